use v5.28;
use warnings;

use lib 't/lib';
use TallyTest;
use Test::More;

my $result = tally();
is $result->{status}, 1, 'a command is asked for';
like $result->{err}, qr/which command\? Known are: .*list/, 'with the known ones';

like tally('lst')->{err}, qr/unknown command 'lst'/, 'an unknown command';
like tally('../Date')->{err}, qr/unknown command/, 'a path is no command';

$ENV{TALLY_FILE} = ledger('2025-03-03 1:00 acme');
like tally('list')->{out}, qr/acme/, 'TALLY_FILE names the ledger';
like tally('--file', ledger('2025-03-03 1:00 zoo'), 'list')->{out}, qr/zoo/, '--file goes first';

done_testing;
