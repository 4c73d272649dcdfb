//! Numbers of a measurement: percentiles over samples, medians with their range over rounds.

use std::fmt;
use std::time::Duration;

/// Milliseconds with their fraction.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Durations of single operations, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    sorted: Vec<f64>,
}

impl Samples {
    /// Of milliseconds in any order.
    pub fn new(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        Self { sorted: millis }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The nearest-rank percentile; NaN without samples.
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.len() as f64).ceil() as usize;
        self.sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The 99th percentile.
    pub fn p99(&self) -> f64 {
        self.percentile(99.0)
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.percentile(100.0)
    }
}

/// One figure over several rounds.
#[derive(Clone, Debug)]
pub struct Rounds {
    values: Vec<f64>,
}

impl Rounds {
    /// Of one figure a round.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        Self { values: Samples::new(values.into_iter().collect()).sorted }
    }

    /// The median of the rounds.
    pub fn median(&self) -> f64 {
        Samples { sorted: self.values.clone() }.p50()
    }
}

/// `median [least-most]` with as many digits as the formatter asks; the range only where there are rounds.
impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$}", self.median())?;
        match self.values.as_slice() {
            [first, .., last] => write!(f, " [{first:.digits$}–{last:.digits$}]"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples = Samples::new((1..=20).rev().map(f64::from).collect());
        assert_eq!((samples.p50(), samples.p99(), samples.max()), (10.0, 20.0, 20.0));
        assert_eq!(Samples::new(vec![7.0]).p50(), 7.0);
        assert!(Samples::default().p50().is_nan());
    }

    #[test]
    fn rounds_show_their_range() {
        assert_eq!(format!("{:.1}", Rounds::new([3.0, 1.0, 2.0])), "2.0 [1.0–3.0]");
        assert_eq!(format!("{:.0}", Rounds::new([4.0])), "4");
    }
}
