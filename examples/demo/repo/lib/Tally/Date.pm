package Tally::Date;

# A day, kept as it is written: YYYY-MM-DD. Days in that form sort as text.
use v5.28;
use warnings;
use experimental 'signatures';

# Answers the date in $text, or dies saying what is wrong with it.
sub parse ($text) {
    $text =~ /\A(\d{4})-(\d{2})-(\d{2})\z/a
        or die "'$text' is not a date: write YYYY-MM-DD\n";
    return $text;
}

1;
