use std::time::Duration;

/// Times of requests.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Their number.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time within which this many of a thousand were answered, which is one of the times. The longest
    /// there is if there is none.
    pub fn per_mille(&self, of_a_thousand: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * of_a_thousand).div_ceil(1_000).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(Duration::MAX)
    }

    /// The time within which this many of a hundred were answered, as [`Times::per_mille`].
    pub fn percentile(&self, percent: usize) -> Duration {
        self.per_mille(percent * 10)
    }
}

impl Extend<Duration> for Times {
    fn extend<T: IntoIterator<Item = Duration>>(&mut self, times: T) {
        self.0.extend(times);
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        Self(times.into_iter().collect())
    }
}

impl IntoIterator for Times {
    type Item = Duration;
    type IntoIter = std::vec::IntoIter<Duration>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Times = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(times.percentile(50), Duration::from_millis(100));
        assert_eq!(times.percentile(99), Duration::from_millis(198));
        assert_eq!(times.per_mille(999), Duration::from_millis(200));
        assert_eq!(Times::default().percentile(99), Duration::MAX);
    }
}
