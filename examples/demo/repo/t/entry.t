use v5.28;
use warnings;

use lib 't/lib';
use Tally::Entry;
use TallyTest;
use Test::More;

is_deeply Tally::Entry::parse("2025-03-03 1:30 acme Weekly planning\n"),
    { date => '2025-03-03', minutes => 90, project => 'acme', note => 'Weekly planning' },
    'a line is an entry';
is Tally::Entry::parse('2025-03-03 1:30 acme')->{note}, '', 'the note can be left out';

for my $line ('2025-03-03 1:30 acme Weekly planning', '2024-02-29 0:05 x-1') {
    is Tally::Entry::format_line(Tally::Entry::parse($line)), $line, "'$line' is written as read";
}

like error_of(sub { Tally::Entry::parse('2025-03-03 1:30') }), qr/an entry is/, 'no project';
like error_of(sub { Tally::Entry::parse('2025-03-03 1:30 Acme') }), qr/'Acme' is not a project/,
    'a project in capitals';

done_testing;
