use v5.28;
use warnings;

use lib 't/lib';
use Tally::Duration;
use TallyTest;
use Test::More;

my %minutes = ('0:01' => 1, '0:45' => 45, '1:07' => 67, '10:00' => 600, '100:59' => 6059);
for my $text (sort keys %minutes) {
    is Tally::Duration::parse($text), $minutes{$text}, "$text in minutes";
    is Tally::Duration::format_minutes($minutes{$text}), $text, "$text written again";
}
for my $text ('', '45', '0:60', '1:5', '-1:00', '1:30h') {
    like error_of(sub { Tally::Duration::parse($text) }), qr/write H:MM/, "'$text' is refused";
}
is error_of(sub { Tally::Duration::parse('0:00') }), 'a time taken of 0:00 is no entry',
    'nothing done is refused';

done_testing;
