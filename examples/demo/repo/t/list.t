use v5.28;
use warnings;

use lib 't/lib';
use TallyTest;
use Test::More;

my $result = tally('--file', 't/data/week.txt', 'list');
is $result->{status}, 0, 'list succeeds';
is $result->{err}, '', 'and has nothing to complain about';
is $result->{out}, <<'OUT', 'entries are aligned, in order';
2025-03-03   1:30  acme         Weekly planning
2025-03-03   0:45  inside       Mail
2025-03-04   2:15  acme         Import of old invoices
2025-03-05   0:20  zoo-app
OUT

$result = tally('--file', ledger('2025-03-03 0:10 acme Café'), 'list');
is $result->{out}, "2025-03-03   0:10  acme         Café\n", 'notes are UTF-8';

my $path = ledger('# ok', '2025-03-03 1:99 acme');
$result = tally('--file', $path, 'list');
is $result->{status}, 1, 'a bad line fails';
is $result->{err}, "tally: $path:2: '1:99' is not a time taken: write H:MM\n", 'it is named';

like tally('--file', '/nowhere/ledger', 'list')->{err}, qr/can't be read/, 'no ledger';
like tally('list', 'acme')->{err}, qr/list takes no arguments/, 'an argument';
like tally('list', '--loud')->{err}, qr/unknown option: loud/, 'an unknown option';

done_testing;
