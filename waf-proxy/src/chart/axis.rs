//! An axis: what it is called, from where to where, and which numbers stand at it.

use super::number::compact;

/// Ticks that an axis has about.
const TICKS: f64 = 5.0;

/// An axis of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Axis<'a> {
    /// What it counts.
    pub title: &'a str,
    /// What follows each number, such as `%`.
    pub unit: &'a str,
    /// The least it shows; the data may ask for less.
    pub from: f64,
    /// The most it shows; the data may ask for more.
    pub to: f64,
}

/// The numbers at an axis, evenly apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticks {
    from: f64,
    step: f64,
    steps: u32,
}

impl Axis<'_> {
    /// The ticks for the axis' own range and these values. What is no number is passed over.
    pub(super) fn ticks(&self, values: impl Iterator<Item = f64>) -> Ticks {
        let values = values.filter(|value| value.is_finite());
        let (from, to) =
            values.fold((self.from, self.to), |(from, to), value| (from.min(value), to.max(value)));
        Ticks::over(from, to)
    }

    /// A number as it stands at the axis.
    pub(super) fn label(&self, value: f64) -> String {
        format!("{}{}", compact(value), self.unit)
    }
}

impl Ticks {
    /// Steps of 1, 2 or 5 times a power of ten that cover the range.
    pub(super) fn over(from: f64, to: f64) -> Self {
        let span = if to > from { to - from } else { 1.0 };
        let rough = span / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
        let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(rough);
        let first = (from / step).floor() * step;
        let steps = ((to - first) / step - 1e-9).ceil().max(1.0);
        Self { from: first, step, steps: steps as u32 }
    }

    /// The first and the last number.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.from, self.from + self.step * f64::from(self.steps))
    }

    /// Every number.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        (0..=self.steps).map(|n| self.from + self.step * f64::from(n))
    }

    /// Where a value stands: 0 at the first number, 1 at the last. What lies outside stands at the
    /// border.
    pub(super) fn share(&self, value: f64) -> f64 {
        let (from, to) = self.range();
        let share = (value - from) / (to - from);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(from: f64, to: f64) -> Vec<f64> {
        Ticks::over(from, to).values().collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(0.0, 7.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(1.0, 50.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(ticks(0.0, 0.4), [0.0, 0.1, 0.2, 0.30000000000000004, 0.4]);
        for (from, to) in [(0.0, 0.0), (3.0, 3.0), (-1.0, 1.0), (0.0, 1e12), (0.0, 1e-9)] {
            let ticks = Ticks::over(from, to);
            let (first, last) = ticks.range();
            assert!(first <= from && last >= to && last > first, "{from} {to}: {ticks:?}");
            assert!((2..=8).contains(&ticks.values().count()), "{from} {to}: {ticks:?}");
        }
    }

    #[test]
    fn what_is_no_number_moves_nothing() {
        let axis = Axis { title: "", unit: "%", from: 0.0, to: 1.0 };
        let ticks = axis.ticks([f64::NAN, f64::INFINITY, 4.0].into_iter());
        assert_eq!(ticks.range(), (0.0, 4.0));
        assert_eq!([ticks.share(-1.0), ticks.share(2.0), ticks.share(f64::NAN)], [0.0, 0.5, 0.0]);
        assert_eq!(axis.label(2_000.0), "2k%");
    }
}
