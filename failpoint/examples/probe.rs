//! A process with one failpoint, for the proof that release builds have none.

fn main() {
    let fired = smith_failpoint::hit!("probe.the-only-point");
    println!("{}", if fired { "fired" } else { "passed" });
}
