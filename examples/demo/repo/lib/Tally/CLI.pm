package Tally::CLI;

# Finds the command, gives it its arguments, and turns what it dies of into a message.
use v5.28;
use warnings;
use experimental 'signatures';

use File::Basename qw(basename dirname);
use Getopt::Long   qw(GetOptionsFromArray);

sub run (@args) {
    return 0 if eval { dispatch(@args); 1 };
    print STDERR "tally: $@";
    return 1;
}

# The names of all commands: one for each module in lib/Tally/Command/.
sub commands () {
    my @modules = glob(dirname(__FILE__) . '/Command/*.pm');
    return sort map { lc basename($_, '.pm') } @modules;
}

# Takes the options out of @$args; an unknown or malformed one is an error like any other.
sub options ($args, %spec) {
    local $SIG{__WARN__} = sub ($message) { die lcfirst $message };
    GetOptionsFromArray($args, %spec);
    return;
}

sub dispatch (@args) {
    my $path = $ENV{TALLY_FILE} // 'ledger.txt';
    Getopt::Long::Configure('require_order');
    options(\@args, 'file=s' => \$path);
    Getopt::Long::Configure('permute');

    my $known = join ', ', commands();
    my $name  = shift @args // die "which command? Known are: $known\n";
    die "unknown command '$name'. Known are: $known\n" unless grep { $_ eq $name } commands();

    my $module = ucfirst $name;
    require "Tally/Command/$module.pm";
    "Tally::Command::$module"->run($path, @args);
    return;
}

1;
