use super::*;

#[test]
fn no_words_want_every_frame() {
    for expression in ["", "  \n"] {
        assert!(compile(expression).unwrap().matches(&[], 0));
    }
}

#[test]
fn a_word_that_is_none_is_shown_where_it_stands_with_the_one_that_was_meant() {
    let error = compile("tcp port 80 adn host ::1").unwrap_err();
    assert_eq!(error.nearest, Some("and"));
    let place = error.place.unwrap();
    assert_eq!((place.line, place.column, place.width), (1, 13, 3));
    let error = compile("é or host www.example.org").unwrap_err();
    assert_eq!(error.place.map(|place| place.column), Some(1));
    let error = compile("ip or host www.example.org").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`www.example.org` is no word of a filter; names are not looked up\n  \
         1 | ip or host www.example.org\n    \
         |            ^^^^^^^^^^^^^^^"
    );
    let error = compile("host 1.2.3.4.5").unwrap_err();
    assert_eq!(
        error.problem,
        "`1.2.3.4.5` is neither a number nor an address"
    );
}

#[test]
fn an_expression_has_a_limit() {
    let long = |words: usize| format!("{}arp", "not ".repeat(words));
    let error = compile(&long(256)).unwrap_err();
    assert_eq!(error.problem, "a filter has at most 1024 characters");
    let within = compile(&long(255));
    assert_eq!(within.is_ok(), cfg!(feature = "libpcap"));
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn a_build_without_libpcap_says_so() {
    let error = compile("arp").unwrap_err();
    assert_eq!(
        error.problem,
        "this build has no libpcap and compiles no filters"
    );
}

#[cfg(feature = "libpcap")]
mod with_libpcap;
