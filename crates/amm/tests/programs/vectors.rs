//! Cases with known results, a file for each venue in `tests/data`. Numbers above 2^53 are strings there.
//!
//! `AMM_VECTORS=folder cargo test -p amm -- --nocapture` takes the files `<venue>.json` of another folder
//! instead, with other cases of the same form: nothing here counts on the given ones. A list, a field or a
//! mode that is not read makes the test fail.

use amm::{QuoteError, TransferFee};
use order_core::Venue;
use order_core::quote::Mode;
use serde_json::Value;

const FOLDER: &str = "AMM_VECTORS";
const OWN_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A venue's cases. `lists` are all the names that have cases behind them.
pub(crate) fn file(venue: Venue, lists: &[&str]) -> Value {
    let file = read(&std::env::var(FOLDER).unwrap_or(OWN_FOLDER.to_owned()), venue.name());
    require_fields(&file, &[lists, &["program", "notes"]]);
    let has_cases = lists.iter().any(|list| file[list].is_object() || !cases(&file, list).is_empty());
    assert!(has_cases, "{venue} has no cases");
    file
}

/// A file of this repository, whatever cases are tried.
pub(crate) fn own_file(name: &str) -> Value {
    read(OWN_FOLDER, name)
}

fn read(folder: &str, name: &str) -> Value {
    let path = format!("{folder}/{name}.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading {path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} is no JSON: {error}"))
}

/// The cases of a list; none if the file has no such list.
pub(crate) fn cases<'a>(file: &'a Value, list: &str) -> &'a [Value] {
    match &file[list] {
        Value::Null => &[],
        Value::Array(cases) => cases,
        other => other["cases"].as_array().unwrap_or_else(|| panic!("{list} is no list of cases")),
    }
}

/// Fails if the case has a field that no list names: it could change what is expected.
pub(crate) fn require_fields(case: &Value, known: &[&[&str]]) {
    for field in case.as_object().unwrap().keys() {
        let is_known = known.iter().any(|fields| fields.contains(&field.as_str()));
        assert!(is_known, "the field {field} is not read, so what it changes is not tried: {case}");
    }
}

pub(crate) fn number<T: std::str::FromStr>(case: &Value, field: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    parse(&case[field], field)
}

/// A number that is not in every case.
pub(crate) fn number_or<T: std::str::FromStr>(case: &Value, field: &str, otherwise: T) -> T
where
    T::Err: std::fmt::Debug,
{
    if case.get(field).is_none() { otherwise } else { number(case, field) }
}

pub(crate) fn parse<T: std::str::FromStr>(value: &Value, what: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|error| panic!("{what} is {value}: {error:?}"))
}

pub(crate) fn flag(case: &Value, field: &str) -> bool {
    case[field].as_bool().unwrap_or_else(|| panic!("{field} is neither true nor false: {case}"))
}

/// The amount that the case fixes.
pub(crate) fn mode(case: &Value) -> Mode {
    match case["kind"].as_str() {
        Some("exact_in") => Mode::ExactIn,
        Some("exact_out") => Mode::ExactOut,
        _ => panic!("kind is {}", case["kind"]),
    }
}

pub(crate) const TRANSFER_FEES: &[&str] = &[
    "input_transfer_fee_bps",
    "input_transfer_fee_max",
    "output_transfer_fee_bps",
    "output_transfer_fee_max",
];

/// The transfer fees of the input and of the output; cases without such tokens do not say.
pub(crate) fn transfer_fees(case: &Value) -> [TransferFee; 2] {
    ["input", "output"].map(|side| TransferFee {
        basis_points: number_or(case, &format!("{side}_transfer_fee_bps"), 0),
        maximum: number_or(case, &format!("{side}_transfer_fee_max"), 0),
    })
}

/// How many cases came out as expected.
#[derive(Default)]
pub(crate) struct Counts {
    agreed: usize,
    refused: usize,
    unsupported: usize,
}

impl Counts {
    /// Compares what was quoted; zero is expected where the program refused or gave nothing. What it
    /// does swap must not be refused as unsupported.
    pub(crate) fn compare(&mut self, quoted: Result<u64, QuoteError>, expected: u64, case: &Value) {
        if expected == 0 {
            assert!(quoted.is_err(), "{quoted:?} where the program gave nothing: {case}");
            self.refused += 1;
        } else {
            assert_eq!(quoted, Ok(expected), "{case}");
            self.agreed += 1;
        }
    }

    /// Counts a case of a mode that is refused by name, because it is not known to agree.
    pub(crate) fn unsupported(&mut self) {
        self.unsupported += 1;
    }

    /// Prints the counts of a list, all of whose cases must have been counted.
    pub(crate) fn print(&self, venue: Venue, file: &Value, list: &str) {
        let Self { agreed, refused, unsupported } = self;
        println!(
            "{venue} {list}: {agreed} agree, {refused} are refused by both, {unsupported} are not supported"
        );
        assert_eq!(agreed + refused + unsupported, cases(file, list).len(), "cases of {list}");
    }
}
