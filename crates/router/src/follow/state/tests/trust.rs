//! Nodes that lag, lie or contradict each other.

use super::*;

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
    let mut ages = Vec::new();
    for slot in 11..17 {
        test.now += SECOND;
        test.following.slot(slot, test.now);
        ages.push(test.age().as_secs());
    }
    assert_eq!(ages, [0, 0, 0, 4, 5, 6], "silence is believed for three seconds");
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
        let following = Following::new(Plan::new(decoded.clone(), planned_max), LIMITS, now);
        let mut test = Test { pools: pools.clone(), following, now };
        test.read_all(7);
        test.following.is_overfull()
    };
    assert!(overfull(usize::MAX));
    assert!(!overfull(PLANNED_MAX / 2));
}
