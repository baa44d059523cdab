//! A store of which it can be seen that nothing can be stored.

use super::*;
use crate::api::messages::Exported;

fn exported(stage: &Stage) -> Exported {
    match stage.ask(Method::ConfigExport).unwrap() {
        Reply::Exported(exported) => exported,
        other => panic!("{other:?}"),
    }
}

/// State is not even asked: what would be carried out would have to be undone.
#[test]
fn what_cannot_be_stored_reaches_nobody_and_what_is_wanted_says_why() {
    let stage = Stage::new();
    assert_eq!(exported(&stage).store_trouble, None);
    stage.store.shut.store(true, Ordering::Relaxed);
    for change in [mtu(9000), apply("", None), apply("", Some(600))] {
        let refused = stage.change(change).unwrap_err();
        assert_eq!(refused, "the change cannot be stored: read-only");
    }
    assert_eq!(stage.seen(), [""; 0]);
    assert_eq!(exported(&stage).store_trouble.as_deref(), Some("read-only"));
    // What is so already is no change.
    stage.change(apply(BASE, None)).unwrap();
    stage.store.shut.store(false, Ordering::Relaxed);
    assert_eq!(stage.change(mtu(9000)).unwrap().revision, 8);
    assert_eq!(stage.seen(), [SET]);
}
