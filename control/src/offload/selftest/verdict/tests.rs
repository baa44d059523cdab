use super::*;

fn tally(topic: Topic, all: &[Judged]) -> Tally {
    let mut tally = Tally::default();
    for judged in all {
        tally.add(topic, "a frame", judged.clone());
    }
    tally
}

fn outcome(topic: Topic, all: &[Judged]) -> Outcome {
    tally(topic, all).outcome(topic)
}

fn wrong() -> Judged {
    Judged::Wrong("right".to_owned(), "wrong".to_owned())
}

#[test]
fn nothing_is_believed_before_the_other_side_was_heard() {
    use Judged::{Equal, NotAsked, Silent};
    use Side::{No, Yes};
    for topic in [Topic::Mark, Topic::OuterIp, Topic::OuterL4, Topic::Tunnel] {
        for (all, expected) in [
            (vec![], Outcome::Unseen),
            (vec![NotAsked], Outcome::Unseen),
            (vec![Equal(Yes), NotAsked], Outcome::Unseen),
            (vec![Silent(No)], Outcome::Unseen),
            (vec![Equal(Yes), Silent(No)], Outcome::Equal),
            (vec![Silent(Yes), Equal(No)], Outcome::Equal),
            (vec![Silent(Yes), Silent(No)], Outcome::Silent),
            (vec![Equal(Yes), Equal(No), wrong()], Outcome::Wrong),
            (vec![wrong()], Outcome::Wrong),
        ] {
            assert_eq!(outcome(topic, &all), expected, "{topic:?} {all:?}");
        }
    }
    assert_eq!(outcome(Topic::Bytes, &[Equal(Yes)]), Outcome::Equal);
    assert_eq!(outcome(Topic::Bytes, &[]), Outcome::Unseen);
}

#[test]
fn no_mark_where_there_is_to_be_none_is_not_missed() {
    let all = [Judged::Silent(Side::No), Judged::Silent(Side::Yes)];
    assert_eq!(tally(Topic::Mark, &all).silent, 1);
    assert_eq!(tally(Topic::OuterL4, &all).silent, 2);
}

#[test]
fn a_few_wrong_frames_are_told_and_all_are_counted() {
    let tally = tally(Topic::OuterL4, &vec![wrong(); 9]);
    assert_eq!((tally.wrong, tally.examples.len()), (9, EXAMPLES));
    assert_eq!(
        tally.examples[0].to_string(),
        "a frame: said right, is wrong"
    );
}
