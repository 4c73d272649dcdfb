package TallyTest;

# For the tests: runs the real program, and makes ledgers that go away again.
use v5.28;
use warnings;
use experimental 'signatures';

use Exporter   qw(import);
use File::Temp qw(tempdir);
use IPC::Open3 qw(open3);
use Symbol     qw(gensym);

our @EXPORT = qw(tally ledger error_of slurp);

# Runs bin/tally and answers its exit status, standard output and standard error.
sub tally (@args) {
    my $pid    = open3(my $in, my $out, my $err = gensym, $^X, 'bin/tally', @args);
    my @result = map { local $/; scalar <$_> // '' } $out, $err;
    waitpid $pid, 0;
    return { status => $? >> 8, out => $result[0], err => $result[1] };
}

# Writes a ledger of these lines and answers its path.
sub ledger (@lines) {
    my $path = tempdir(CLEANUP => 1) . '/ledger.txt';
    open my $file, '>', $path or die "$path: $!";
    print $file map { "$_\n" } @lines;
    close $file or die "$path: $!";
    return $path;
}

# Answers what $code dies of, without the line's end; '' if it lives.
sub error_of ($code) {
    return eval { $code->(); 1 } ? '' : $@ =~ s/\n\z//r;
}

sub slurp ($path) {
    open my $file, '<', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

1;
