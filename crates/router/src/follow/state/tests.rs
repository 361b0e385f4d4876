mod trust;

use super::super::plan::{PLANNED_MAX, Pools};
use super::*;
use crate::testing::{self, SOL, TestPool, usdc};
use order_core::Venue;
use std::collections::BTreeSet;

const SECOND: Duration = Duration::from_secs(1);
const MAX_AGE: Duration = Duration::from_secs(5);
const LIMITS: Limits = Limits { max_age: MAX_AGE, max_transfer_fee: Fraction::from_billionths(100_000_000) };

struct Test {
    pools: Vec<TestPool>,
    following: Following,
    now: Instant,
}

impl Test {
    fn new(count: u8) -> Self {
        let pools: Vec<TestPool> = (1..=count).map(testing::pool).collect();
        let decoded: Pools = pools.iter().map(TestPool::decoded).collect();
        let now = Instant::now();
        Self { pools, following: Following::new(Plan::new(decoded, PLANNED_MAX), LIMITS, now), now }
    }

    /// A test in which everything was read at slot 10 and subscribed to.
    fn settled() -> Self {
        let mut test = Self::new(2);
        test.following.connected(test.now);
        test.read_all(10);
        test
    }

    fn read_all(&mut self, slot: u64) {
        self.now += SECOND;
        while let Some(question) = self.following.start(self.now) {
            assert_eq!(self.answer(&question, slot), Ok(0));
        }
    }

    /// The only node's answer.
    fn answer(&mut self, question: &Question, slot: u64) -> Result<usize, Doubt> {
        let honest = self.honest(question, slot);
        self.answers(question, [honest])
    }

    /// The answers of the nodes from 0 on.
    fn answers(
        &mut self,
        question: &Question,
        answers: impl IntoIterator<Item = Snapshot>,
    ) -> Result<usize, Doubt> {
        let answers: Vec<_> = answers.into_iter().enumerate().collect();
        self.following.read(question.group, &answers, [self.now; 2], testing::wall())
    }

    fn honest(&self, question: &Question, slot: u64) -> Snapshot {
        testing::snapshot(&self.pools, &question.keys, slot)
    }

    /// The answer of a node that takes the first pool for another one.
    fn lie(&self, question: &Question, slot: u64) -> Snapshot {
        let mut pools = self.pools.clone();
        let vault = pools[0].accounts.iter_mut().find(|(_, account)| account.data.len() == 165);
        vault.unwrap().1.data[64] ^= 1;
        testing::snapshot(&pools, &question.keys, slot)
    }

    /// The next question, once it is due.
    fn ask(&mut self) -> Question {
        self.now = self.now.max(self.following.wake().unwrap());
        self.following.start(self.now).unwrap()
    }

    /// The next look at everything.
    fn look(&mut self) -> Question {
        self.following.look(self.now);
        self.ask()
    }

    /// Why the first pool is not quoted.
    fn refusal(&self) -> Option<&String> {
        let book = self.following.book().unwrap();
        book.entry(self.pools[0].address).unwrap().market.as_ref().err()
    }

    /// Tells of a change of the first pool.
    fn change(&mut self, slot: u64) {
        let account = self.pools[0].accounts[0].0;
        self.following.changed(&account, slot, self.now);
    }

    fn age(&self) -> Duration {
        let book = self.following.book().unwrap();
        book.ages(self.now).unwrap().1
    }
}

#[test]
fn there_is_no_book_before_everything_was_read() {
    let mut test = Test::new(60);
    let mut left = test.following.groups.len();
    assert!(left > 1);
    while let Some(question) = test.following.start(test.now) {
        assert!(test.following.book().is_none());
        assert_eq!(test.answer(&question, 7), Ok(0));
        left -= 1;
    }
    assert_eq!(left, 0);
    let book = test.following.book().unwrap();
    assert_eq!((book.entries().count(), book.slot()), (60, 7));
    assert!(book.entries().all(|entry| entry.market.is_ok() && entry.slot == 7));
    assert_eq!(book.pair(usdc(), SOL).count(), 60);
}

#[test]
fn what_is_behind_an_account_is_read_with_the_next_look() {
    // The share tokens of lending vaults are named by the vaults, not by the pool.
    let pool = testing::seeded(Venue::MeteoraDammV1, 1, [1_000_000_000_000, 150_000_000_000], 2_500_000);
    let decoded: Pools = std::iter::once(pool.decoded()).collect();
    let now = Instant::now();
    let mut test = Test {
        pools: vec![pool],
        following: Following::new(Plan::new(decoded, PLANNED_MAX), LIMITS, now),
        now,
    };
    let question = test.following.start(now).unwrap();
    test.answer(&question, 7).unwrap();
    let quotable = |test: &Test| test.following.book().unwrap().entries().all(|entry| entry.market.is_ok());
    assert!(!quotable(&test));
    let more = test.following.start(test.now).expect("the next look is at once");
    assert!(question.keys.iter().all(|key| more.keys.contains(key)));
    assert_eq!(more.keys.len(), question.keys.len() + 2);
    assert_eq!(test.answer(&more, 7), Ok(0));
    assert!(quotable(&test));
    assert!(test.following.start(test.now).is_none());
}

#[test]
fn a_price_that_moves_to_other_ticks_has_them_read() {
    let at = |dollars: u64| {
        let reserves = [1_000_000_000_000, dollars * 1_000_000_000];
        testing::seeded(Venue::RaydiumClmm, 1, reserves, 2_500_000)
    };
    let pool = at(150);
    let decoded: Pools = std::iter::once(pool.decoded()).collect();
    let now = Instant::now();
    let mut test = Test {
        pools: vec![pool],
        following: Following::new(Plan::new(decoded, PLANNED_MAX), LIMITS, now),
        now,
    };
    test.read_all(7);
    let quotable = |test: &Test| {
        let book = test.following.book().unwrap();
        let mut markets = book.pair(usdc(), SOL).map(|entry| entry.market.as_ref().unwrap());
        markets.all(|market| market.reserves().iter().all(|reserve| !reserve.is_zero()))
    };
    assert!(quotable(&test));
    test.pools = vec![at(300)];
    test.change(8);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    test.answer(&question, 8).unwrap();
    assert!(!quotable(&test), "the ticks around the new price were not asked for");
    test.read_all(8);
    assert!(quotable(&test));
}

#[test]
fn slots_keep_a_settled_state_fresh_and_standing_still_does_not() {
    let mut test = Test::settled();
    test.now += SECOND;
    test.following.slot(11, test.now);
    assert_eq!(test.age(), Duration::ZERO);
    test.now += SECOND;
    test.following.slot(11, test.now);
    assert_eq!(test.age(), SECOND, "the same slot again proves nothing");
    test.following.look(test.now);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    test.answer(&question, 11).unwrap();
    assert_eq!(test.age(), 2 * SECOND, "a node that stands still repeats what it has");
    test.following.lost();
    test.following.slot(12, test.now);
    assert_eq!(test.age(), 2 * SECOND, "without a subscription silence means nothing");
}

#[test]
fn a_state_is_as_old_as_the_question_not_the_answer() {
    let mut test = Test::settled();
    test.following.look(test.now);
    test.now += SECOND;
    let asked = test.now;
    let question = test.following.start(test.now).unwrap();
    test.now += 3 * SECOND;
    let answers = [(0, test.honest(&question, 20))];
    test.following.read(question.group, &answers, [asked, test.now], testing::wall()).unwrap();
    assert_eq!(test.age(), 3 * SECOND);
}

#[test]
fn the_notices_of_one_swap_are_one_read() {
    let mut test = Test::settled();
    assert_eq!(test.following.wake(), None);
    let (_, pool) = test.pools[0].decoded();
    for account in pool.swap_accounts(|_| None) {
        test.following.changed(&account, 11, test.now);
    }
    assert!(test.following.start(test.now).is_none(), "the others of the swap are waited for");
    test.now = test.following.wake().unwrap();
    let question = test.following.start(test.now).unwrap();
    test.answer(&question, 11).unwrap();
    assert_eq!(test.following.wake(), None);
    assert_eq!(test.age(), Duration::ZERO);
}

#[test]
fn a_change_while_reading_is_read_again() {
    let mut test = Test::settled();
    test.change(11);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    test.change(11);
    assert_eq!(test.answer(&question, 11), Ok(0));
    assert_eq!(test.following.wake(), Some(test.now + READ_PAUSE), "the answer may have it already");
    test.change(12);
    assert_eq!(test.following.wake(), Some(test.now + GATHER), "a later slot is not made to wait");
    let question = test.ask();
    test.change(13);
    assert_eq!(test.answer(&question, 12), Ok(0));
    assert_eq!(test.following.wake(), Some(test.now));
}

#[test]
fn a_change_that_the_reading_node_does_not_have_yet_leaves_the_state_unconfirmed() {
    let mut test = Test::settled();
    test.change(15);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    assert_eq!(test.answer(&question, 14), Err(Doubt::Behind { slot: 14, wanted: 15 }));
    test.following.slot(16, test.now);
    assert_eq!(test.age(), SECOND, "what is known to have changed is not confirmed by later slots");
    test.now += READ_PAUSE;
    let question = test.following.start(test.now).unwrap();
    assert_eq!(test.answer(&question, 15), Ok(0));
    assert_eq!(test.age(), READ_PAUSE, "slot 16 was seen then");
}

#[test]
fn an_older_state_never_replaces_a_newer_one() {
    let mut test = Test::settled();
    test.following.look(test.now);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    assert_eq!(test.answer(&question, 9), Err(Doubt::Behind { slot: 9, wanted: 10 }));
    let book = test.following.book().unwrap();
    assert!(book.entries().all(|entry| entry.slot == 10));
    assert_eq!(test.following.wake(), Some(test.now + READ_PAUSE));
}

#[test]
fn a_failed_read_is_wanted_as_before() {
    let mut test = Test::settled();
    test.change(12);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    test.following.slot(13, test.now);
    assert_eq!(test.age(), SECOND, "a change that is being read is not in the book yet");
    test.following.failed(question.group, test.now);
    test.following.slot(14, test.now);
    assert_eq!(test.age(), SECOND);
    assert!(test.following.start(test.now).is_none());
    test.now += RETRY_PAUSE;
    let question = test.following.start(test.now).unwrap();
    let behind = Err(Doubt::Behind { slot: 11, wanted: 12 });
    assert_eq!(test.answer(&question, 11), behind, "the change in slot 12 is still wanted");
}

#[test]
fn a_new_connection_doubts_everything() {
    let mut test = Test::settled();
    test.following.lost();
    test.following.connected(test.now);
    test.now += SECOND;
    test.following.slot(20, test.now);
    assert_eq!(test.age(), SECOND);
    test.read_all(21);
    assert_eq!(test.age(), Duration::ZERO);
}

#[test]
fn reads_are_bounded_and_none_waits_for_ever() {
    let mut test = Test::new(250);
    let groups = test.following.groups.len();
    assert!(groups > READS_MAX);
    let mut started = Vec::new();
    while started.len() < groups {
        let mut under_way: Vec<Question> = Vec::new();
        while let Some(question) = test.following.start(test.now) {
            under_way.push(question);
        }
        assert_eq!(under_way.len(), LOOKS_MAX);
        assert_eq!(test.following.wake(), None);
        for question in under_way {
            started.push(question.group);
            test.answer(&question, 1).unwrap();
        }
        test.following.look(test.now);
        test.now += SECOND;
    }
    let first: BTreeSet<usize> = started.into_iter().take(groups).collect();
    assert_eq!(first.len(), groups, "each was read before any was read twice");
}

#[test]
fn a_pool_whose_account_is_gone_or_broken_is_kept_with_the_reason() {
    let mut test = Test::settled();
    test.pools[0].accounts[0].1.data.truncate(20);
    test.pools[1].accounts.remove(0);
    test.following.look(test.now);
    test.now += SECOND;
    let question = test.following.start(test.now).unwrap();
    assert_eq!(test.answer(&question, 11), Ok(0));
    let book = test.following.book().unwrap();
    let reasons: Vec<&String> = book.entries().map(|entry| entry.market.as_ref().unwrap_err()).collect();
    assert!(reasons[0].contains("20 bytes"), "{}", reasons[0]);
    assert_eq!(reasons[1], "the pool's account is gone");
}

#[test]
fn pool_of_a_token_that_withholds_too_much_is_refused_by_name() {
    for (basis_points, is_quoted) in [(0, true), (1000, true), (1001, false), (9990, false)] {
        let mut test = Test::new(2);
        for pool in &mut test.pools {
            pool.tax(usdc(), basis_points);
        }
        test.read_all(10);
        let refusal = test.refusal().map(String::as_str).unwrap_or_default();
        let named = refusal.ends_with("of each transfer, more than MAX_TRANSFER_FEE, which is 10 %");
        assert_eq!((refusal.is_empty(), named), (is_quoted, !is_quoted), "{basis_points}: {refusal}");
    }
}
