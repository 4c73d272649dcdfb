package Tally::Duration;

# A length of time: H:MM where people read it, whole minutes where it is counted.
use v5.28;
use warnings;
use experimental 'signatures';

# Answers the minutes in $text, or dies saying what is wrong with it.
sub parse ($text) {
    $text =~ /\A(\d{1,4}):([0-5]\d)\z/a or die "'$text' is not a time taken: write H:MM\n";
    my $minutes = $1 * 60 + $2;
    die "a time taken of 0:00 is no entry\n" if $minutes == 0;
    return $minutes;
}

sub format_minutes ($minutes) {
    return sprintf '%d:%02d', int($minutes / 60), $minutes % 60;
}

1;
