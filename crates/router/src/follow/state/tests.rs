use super::super::plan::{PLANNED_MAX, Pools};
use super::*;
use crate::testing::{self, SOL, TestPool, usdc};
use order_core::Venue;
use std::collections::BTreeSet;

const SECOND: Duration = Duration::from_secs(1);
const MAX_AGE: Duration = Duration::from_secs(5);

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
        Self { pools, following: Following::new(Plan::new(decoded, PLANNED_MAX), MAX_AGE, now), now }
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

    /// What a node answers that takes the first pool for another one.
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
        following: Following::new(Plan::new(decoded, PLANNED_MAX), MAX_AGE, now),
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
        following: Following::new(Plan::new(decoded, PLANNED_MAX), MAX_AGE, now),
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
    test.read_all(20);
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
fn a_node_behind_shows_a_state_that_is_as_old_as_its_successor() {
    let mut test = Test::settled();
    test.following.slot(11, test.now);
    test.now += SECOND;
    test.following.lost();
    for slot in [12, 13] {
        test.following.slot(slot, test.now);
        test.now += SECOND;
    }
    let question = test.look();
    assert_eq!(test.answer(&question, 12), Ok(0));
    assert_eq!(test.age(), SECOND + GATHER, "slot 13 was seen so long ago");
}

#[test]
fn a_node_that_does_not_keep_up_is_not_asked_for_changes() {
    let mut test = Test::settled();
    let asked = |test: &mut Test| {
        test.change(0);
        let question = test.ask();
        test.following.failed(question.group, test.now);
        question.of
    };
    assert_eq!(asked(&mut test), Asked::One { min_slot: 10 });
    let question = test.look();
    assert_eq!(question.of, Asked::Each, "a poll compares");
    test.answer(&question, 10).unwrap();
    test.following.slot(30, test.now);
    assert_eq!(asked(&mut test), Asked::One { min_slot: 10 }, "not every node has it at once");
    test.now += SECOND;
    assert_eq!(asked(&mut test), Asked::One { min_slot: 30 });
}

#[test]
fn a_state_that_is_never_read_grows_old_whatever_the_slots_say() {
    let mut test = Test::settled();
    for slot in 11..21 {
        test.now += SECOND;
        test.following.slot(slot, test.now);
    }
    assert_eq!(test.age(), 10 * SECOND - SILENCE_TRUSTED);
}

#[test]
fn two_nodes_that_contradict_each_other_are_not_quoted_before_they_agree() {
    let mut test = Test::settled();
    let question = test.look();
    let answers = [test.honest(&question, 12), test.lie(&question, 12)];
    let contradiction = Err(Doubt::Contradiction { slot: 12 });
    assert_eq!(test.answers(&question, answers), contradiction);
    assert_eq!(test.refusal().unwrap(), "the nodes contradict each other about slot 12");
    // Neither a change, nor one node alone, nor two that are not at the same slot, lifts it.
    test.change(13);
    let question = test.ask();
    assert_eq!(question.of, Asked::Each);
    assert_eq!(test.answer(&question, 13), Err(Doubt::Contradiction { slot: 13 }));
    let question = test.ask();
    let answers = [test.honest(&question, 14), test.lie(&question, 15)];
    assert_eq!(test.answers(&question, answers), Err(Doubt::Contradiction { slot: 15 }));
    assert!(test.refusal().is_some());
    let question = test.ask();
    let answers = [test.honest(&question, 16), test.honest(&question, 16)];
    assert_eq!(test.answers(&question, answers), Ok(0));
    assert_eq!((test.refusal(), test.age()), (None, Duration::ZERO));
}

#[test]
fn of_three_nodes_two_are_believed() {
    let mut test = Test::settled();
    let question = test.look();
    let answers = [test.lie(&question, 12), test.honest(&question, 12), test.honest(&question, 12)];
    assert_eq!(test.answers(&question, answers), Ok(1), "the second node is asked first from now on");
    assert_eq!(test.refusal(), None);
}

#[test]
fn a_slot_far_in_the_future_is_believed_of_nobody_alone() {
    let far = 1_000_000;
    let mut test = Test::settled();
    // Neither of a notice,
    test.following.slot(far, test.now);
    test.change(far);
    let question = test.ask();
    assert_eq!(question.of, Asked::One { min_slot: 10 });
    assert_eq!(test.answer(&question, far), Err(Doubt::Far { slot: far, known: 10 }), "nor of a read");
    let question = test.ask();
    assert_eq!(test.answer(&question, 11), Ok(0));
    // nor of one against another.
    let question = test.look();
    let answers = [test.honest(&question, 12), test.honest(&question, far)];
    assert_eq!(test.answers(&question, answers), Err(Doubt::Contradiction { slot: far }));
    let question = test.ask();
    let answers = [test.honest(&question, far), test.honest(&question, far)];
    assert_eq!(test.answers(&question, answers), Ok(0), "but of two");
    assert_eq!(test.age(), Duration::ZERO);
}

#[test]
fn a_slot_that_was_never_reached_is_forgotten() {
    // Not far enough to be noticed at once, and minutes away.
    let mut test = Test::settled();
    let question = test.look();
    assert_eq!(test.answer(&question, 900), Ok(0));
    for slot in [11, 12] {
        let question = test.look();
        assert_eq!(test.answer(&question, slot), Err(Doubt::Behind { slot, wanted: 900 }));
        test.following.slot(slot, test.now);
    }
    test.now += 16 * SECOND;
    let question = test.ask();
    assert_eq!(question.of, Asked::Each, "one that is asked for slot 900 would not answer");
    assert_eq!(test.answer(&question, 50), Ok(0));
    assert_eq!((test.refusal(), test.age()), (None, Duration::ZERO));
    test.following.slot(51, test.now);
    assert_eq!(test.following.book().unwrap().slot(), 51);
}

#[test]
fn two_nodes_undo_the_false_word_of_one() {
    let mut test = Test::new(60);
    test.read_all(1_000_010);
    let question = test.look();
    let answers = [test.honest(&question, 10), test.honest(&question, 10)];
    assert_eq!(test.answers(&question, answers), Ok(0));
    let book = test.following.book().unwrap();
    let (read, withheld): (Vec<_>, Vec<_>) = book.entries().partition(|entry| entry.group == question.group);
    assert!(read.iter().all(|entry| entry.market.is_ok() && entry.slot == 10));
    assert!(!withheld.is_empty() && withheld.iter().all(|entry| entry.market.is_err()));
    test.read_all(11);
    assert!(test.following.book().unwrap().entries().all(|entry| entry.market.is_ok()));
}

#[test]
fn what_is_not_one_state_changes_nothing() {
    let mut test = Test::settled();
    test.change(12);
    let question = test.ask();
    let mut claimed = test.honest(&question, 11);
    claimed.slot = 12;
    assert_eq!(test.answers(&question, [claimed]), Err(Doubt::TwoStates { claimed: 12, clock: 11 }));
    test.following.slot(13, test.now);
    assert!(test.age() > Duration::ZERO, "the change is still to be read");
    let question = test.ask();
    assert_eq!(test.answer(&question, 12), Ok(0));
    let book = test.following.book().unwrap();
    assert!(book.entries().all(|entry| entry.slot == 12));
}

#[test]
fn a_change_does_not_wait_for_a_round_of_polls() {
    let mut test = Test::new(250);
    test.read_all(1);
    test.following.look(test.now);
    test.now += SECOND;
    let looked: Vec<usize> =
        std::iter::from_fn(|| test.following.start(test.now)).map(|question| question.group).collect();
    assert_eq!(looked.len(), LOOKS_MAX);
    let changed = test.following.groups.len() - 1;
    assert!(!looked.contains(&changed));
    let address = *test.following.plan.groups[changed].pools.last().unwrap();
    test.following.changed(&address.pubkey(), 2, test.now);
    assert_eq!(test.ask().group, changed);
}

#[test]
fn pools_that_need_more_than_one_call_together_are_to_be_planned_apart() {
    let pools: Vec<_> = (1..=100).map(testing::pool).collect();
    let decoded: Pools = pools.iter().map(TestPool::decoded).collect();
    let overfull = |planned_max| {
        let now = Instant::now();
        let following = Following::new(Plan::new(decoded.clone(), planned_max), MAX_AGE, now);
        let mut test = Test { pools: pools.clone(), following, now };
        test.read_all(7);
        test.following.is_overfull()
    };
    assert!(overfull(usize::MAX));
    assert!(!overfull(PLANNED_MAX / 2));
}
