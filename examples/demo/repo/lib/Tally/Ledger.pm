package Tally::Ledger;

# The ledger file: its entries in order.
use v5.28;
use warnings;
use experimental 'signatures';

use Tally::Entry;

# Answers every entry of the file; a bad line is named with its file and number.
sub entries ($path) {
    open my $file, '<:encoding(UTF-8)', $path or die "$path can't be read: $!\n";
    my @entries;
    while (my $line = <$file>) {
        next if $line =~ /\A\s*(?:#|\z)/;
        my $entry = eval { Tally::Entry::parse($line) } or die "$path:$.: $@";
        push @entries, $entry;
    }
    close $file;
    return @entries;
}

1;
