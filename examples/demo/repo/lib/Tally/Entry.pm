package Tally::Entry;

# One entry of a ledger, and the line that it is written as.
use v5.28;
use warnings;
use experimental 'signatures';

use Tally::Date;
use Tally::Duration;

# Answers the entry in a line, or dies saying what is wrong with it.
sub parse ($line) {
    my ($date, $taken, $project, $note) = split ' ', $line, 4;
    die "an entry is a date, a time taken, a project, and a note\n" unless defined $project;
    $project =~ /\A[a-z0-9][a-z0-9-]*\z/
        or die "'$project' is not a project: write small letters, digits and hyphens\n";
    return {
        date    => Tally::Date::parse($date),
        minutes => Tally::Duration::parse($taken),
        project => $project,
        note    => ($note // '') =~ s/\s+\z//r,
    };
}

# Answers the line of an entry, without its end; parse() reads it back.
sub format_line ($entry) {
    my $taken = Tally::Duration::format_minutes($entry->{minutes});
    return join ' ', $entry->{date}, $taken, $entry->{project}, $entry->{note} || ();
}

1;
