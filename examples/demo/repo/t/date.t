use v5.28;
use warnings;
use experimental 'signatures';

use lib 't/lib';
use Tally::Date;
use TallyTest;
use Test::More;

sub parsed ($text) { return eval { Tally::Date::parse($text) } // $@ =~ s/\n\z//r }

for my $date ('2025-03-03', '1999-12-31', '2024-02-29') {
    is parsed($date), $date, "$date is a date";
}
for my $text ('', '2025-3-3', '03.03.2025', '2025-03-03x', "2025-03-03\n", 'yesterday') {
    like parsed($text), qr/is not a date: write YYYY-MM-DD/, "'$text' is no date";
}

done_testing;
