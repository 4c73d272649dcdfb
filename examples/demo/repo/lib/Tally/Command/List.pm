package Tally::Command::List;

# tally list: prints the entries, aligned.
use v5.28;
use warnings;
use experimental 'signatures';

use Tally::CLI;
use Tally::Duration;
use Tally::Ledger;

sub run ($class, $path, @args) {
    Tally::CLI::options(\@args);
    die "list takes no arguments, but was given '@args'\n" if @args;

    binmode STDOUT, ':encoding(UTF-8)';
    for my $entry (Tally::Ledger::entries($path)) {
        my $taken = Tally::Duration::format_minutes($entry->{minutes});
        my $line  = sprintf '%s %6s  %-12s %s', $entry->{date}, $taken, @$entry{qw(project note)};
        say $line =~ s/ +\z//r;
    }
    return;
}

1;
