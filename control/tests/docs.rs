//! The documents against the code: what an operator may write or be shown is in docs/operations.md,
//! and what stands there is so.

use control::api::messages::Method;
use control::config::{ConfigError, Wanted};
use control::rig::Rig;
use fastpath::drop::DropReason;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const OPERATIONS: &str = include_str!("../../docs/operations.md");
const README: &str = include_str!("../../README.md");

/// A configuration in which every table may have one more line, appended to its last table of that
/// name. Every key that must be there is there.
const MINIMAL: [(&str, &[&str]); 10] = [
    ("[switch]", &[]),
    (
        "[[port]]",
        &[
            "name = 'up'",
            "device = 'd0'",
            "addresses = ['192.0.2.2/24']",
        ],
    ),
    ("[[port]]", &["name = 'lan'", "device = 'd1'"]),
    (
        "[[route]]",
        &["to = '203.0.113.0/24'", "via = '192.0.2.254'"],
    ),
    (
        "[[neighbour]]",
        &[
            "port = 'up'",
            "address = '192.0.2.1'",
            "mac = '02:00:00:00:00:01'",
        ],
    ),
    ("[[bridge]]", &["name = 'br0'", "ports = ['lan']"]),
    ("[[bridge]]", &["name = 'br1'"]),
    (
        "[[tunnel]]",
        &[
            "name = 'vx'",
            "bridge = 'br0'",
            "vni = 1",
            "local = '192.0.2.2'",
        ],
    ),
    (
        "[[fdb]]",
        &[
            "bridge = 'br0'",
            "mac = '02:00:00:00:00:02'",
            "port = 'lan'",
        ],
    ),
    (
        "[[fdb]]",
        &[
            "bridge = 'br0'",
            "mac = '02:00:00:00:00:01'",
            "port = 'lan'",
        ],
    ),
];

/// The tables of a configuration, as the headings of the document name them.
const TABLES: [&str; 7] = [
    "[switch]",
    "[[port]]",
    "[[route]]",
    "[[neighbour]]",
    "[[bridge]]",
    "[[tunnel]]",
    "[[fdb]]",
];
/// Tables within tables, as their headings name them, and an item that has one key too many.
const ITEMS: [(&str, &str); 2] = [
    (
        "[[port]]` `addresses",
        "{ zzz = 1, address = '198.51.100.2/24' }",
    ),
    ("[[tunnel]]` `remotes", "{ zzz = 1, address = '192.0.2.1' }"),
];

/// The minimal configuration with the line of `key` in the last table of this name replaced by
/// `line`, or with `line` appended where there is none.
fn with(table: &str, key: &str, line: &str) -> String {
    let last = MINIMAL.iter().rposition(|(name, _)| *name == table);
    let mut text = String::new();
    for (at, (name, lines)) in MINIMAL.iter().enumerate() {
        let here = Some(at) == last;
        let is_key = |line: &str| line.split(' ').next() == Some(key);
        let kept = lines.iter().filter(|line| !(here && is_key(line)));
        let extra = here.then_some(&line);
        for line in [name].into_iter().chain(kept).chain(extra) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn errors(text: &str) -> Vec<ConfigError> {
    Wanted::parse(text, "doc").map_or_else(|errors| errors.errors().to_vec(), |_| Vec::new())
}

/// What the first error about `key` says is allowed.
fn allowed(text: &str, key: &str) -> String {
    let all = errors(text);
    let error = all.iter().find(|error| error.key == key);
    assert!(error.is_some(), "no error about {key}: {all:?}\n{text}");
    error
        .and_then(|error| error.allowed.clone())
        .unwrap_or_default()
}

/// Keys that the code asks for in a table.
fn keys_of_the_code(table: &str) -> BTreeSet<String> {
    let (outer, list) = table.split_once("` `").unwrap_or((table, ""));
    let name = outer.trim_matches(['[', ']']);
    let item = ITEMS.iter().find(|(heading, _)| *heading == table);
    let allowed = match item {
        Some((_, item)) => {
            let text = with(outer, list, &format!("{list} = [{item}]"));
            allowed(&text, &format!("{name}.{list}.zzz"))
        }
        None => allowed(&with(table, "zzz", "zzz = 1"), &format!("{name}.zzz")),
    };
    allowed.split(", ").map(str::to_owned).collect()
}

/// The cells of the rows below a heading, down to the next one. The first cell without backticks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let lines = OPERATIONS.lines().skip_while(|line| *line != heading);
    let section = lines.skip(1).take_while(|line| !line.starts_with("##"));
    let rows = section.filter(|line| line.starts_with("| `"));
    let cells = |line: &str| {
        let mut cells: Vec<String> = line.split('|').map(|c| c.trim().to_owned()).collect();
        cells.remove(0);
        cells[0] = cells[0].trim_matches('`').to_owned();
        cells
    };
    rows.map(cells).collect()
}

fn names(rows: &[Vec<String>]) -> Vec<String> {
    rows.iter().map(|row| row[0].clone()).collect()
}

#[test]
fn every_drop_reason_is_documented_in_order_with_meaning_and_advice() {
    let reasons: Vec<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    let rows = rows("## Drop reasons");
    assert_eq!(names(&rows), reasons);
    assert!(rows.iter().all(|row| row.len() == 4));
    let documented: Vec<_> = rows.iter().map(|row| [&*row[1], &*row[2]]).collect();
    let known = DropReason::ALL.iter().map(|reason| {
        let meaning = reason.meaning().trim_end_matches('.');
        [meaning, reason.advice()]
    });
    assert_eq!(documented, known.collect::<Vec<_>>());
}

#[test]
fn every_configuration_key_is_documented_and_no_other() {
    let root = allowed("zzz = 1", "zzz");
    let tables = TABLES.map(|table| table.trim_matches(['[', ']']));
    assert_eq!(root, tables.join(", "));
    for table in TABLES
        .iter()
        .chain(ITEMS.iter().map(|(heading, _)| heading))
    {
        let documented: BTreeSet<_> = names(&rows(&format!("### `{table}`")))
            .into_iter()
            .collect();
        assert_eq!(documented, keys_of_the_code(table), "{table}");
    }
}

#[test]
fn the_values_allowed_are_those_of_the_code() {
    for table in TABLES {
        for row in rows(&format!("### `{table}`")) {
            let key = &row[0];
            let full = format!("{}.{key}", table.trim_matches(['[', ']']));
            // No key takes a date.
            let text = with(table, key, &format!("{key} = 1979-05-27"));
            assert_eq!(row[3], allowed(&text, &full), "{full}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_code() {
    let plain = |text: &str| Wanted::parse(text, "doc").unwrap_or_else(|e| panic!("{e}\n{text}"));
    for table in TABLES {
        for row in rows(&format!("### `{table}`")) {
            let (key, default) = (&row[0], &row[2]);
            let without = with(table, key, "");
            if let Some(value) = default.strip_prefix('`') {
                let line = format!("{key} = {}", value.trim_end_matches('`'));
                assert_eq!(
                    plain(&with(table, key, &line)),
                    plain(&without),
                    "{table} {key}"
                );
            } else if default == "required" {
                let missing = errors(&without)
                    .iter()
                    .any(|error| error.problem == "is missing" && error.key.ends_with(&**key));
                assert!(missing, "{table} {key} is not required");
            } else {
                let special = [
                    "local",
                    "rx_workers",
                    "tx_queues",
                    "vlan",
                    "port",
                    "tunnel",
                    "remote",
                ];
                assert!(special.contains(&&**key), "{table} {key} has no default");
            }
        }
    }
}

#[test]
fn every_event_is_documented_and_no_other() {
    let mut rig = Rig::new(Wanted::default(), 1);
    let shown: BTreeSet<_> = rig.stats().events.into_keys().collect();
    let documented: BTreeSet<_> = names(&rows("## Events")).into_iter().collect();
    assert_eq!(documented, shown);
    rig.close();
}

#[test]
fn every_method_is_documented() {
    let documented: BTreeSet<_> = names(&rows("## The socket")).into_iter().collect();
    let all: BTreeSet<_> = Method::names().map(str::to_owned).collect();
    assert_eq!(documented, all);
}

#[test]
fn the_configurations_shown_are_right() {
    for (file, text) in [("README.md", README), ("docs/operations.md", OPERATIONS)] {
        let examples: Vec<_> = text.split("\n```toml\n").skip(1).collect();
        assert!(!examples.is_empty(), "{file}");
        for example in examples {
            let example = example.split("```").next().unwrap();
            assert_eq!(errors(example), [], "{file}\n{example}");
        }
    }
}

/// Markdown files of the project.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [root.clone(), root.join("docs"), root.join("docs/decisions")];
    let folders = folders.iter().map(std::fs::read_dir);
    let files = folders.flatten().flatten().flatten();
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let anchor = |line: &str| {
        let title = line.trim_start_matches(['#', ' ']).to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        title
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    let mut links = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (path, place) = target.split_once('#').unwrap_or((target, ""));
            let to = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            assert!(to.exists(), "{}: {target}", document.display());
            if !place.is_empty() {
                let text = std::fs::read_to_string(&to).unwrap();
                let there = text
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == place);
                assert!(there, "{}: {target}", document.display());
            }
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links found");
}

#[test]
fn every_decision_is_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/decisions");
    let list = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || list.contains(&format!("]({name})")),
            "{name}"
        );
    }
}

/// Paths of sources in the text, such as `fastpath/src/parse.rs`.
#[test]
fn the_files_that_the_architecture_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = include_str!("../../docs/architecture.md");
    let words = text.split('`').skip(1).step_by(2);
    let paths: Vec<_> = words
        .filter(|word| word.contains('/') && word.ends_with(".rs"))
        .collect();
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        let places = ["", "control/src", "fastpath/src"].map(|place| root.join(place).join(path));
        assert!(places.iter().any(|place| place.exists()), "{path}");
    }
}
