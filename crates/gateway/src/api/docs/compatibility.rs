//! The page on the differences from the original Order Execution API.

use super::page::{Page, prose};

/// Differences: subject, the original, this service.
const DIFFERENCES: [[&str; 3]; 7] = [
    [
        "Amounts and prices in responses",
        "JSON numbers",
        "decimal strings, exact; requests may use numbers or strings",
    ],
    ["`POST /api/orders/execute`", "status 200", "status 202: the order is recorded, and executed later"],
    [
        "`GET /api/orders`",
        "a bare list, pages by `offset`",
        "`{\"orders\": […], \"nextCursor\": …}`, pages by `cursor`",
    ],
    ["`maxSlippage`, if it is not given", "0.05", "set by the operator; 0.005 if the operator sets nothing"],
    [
        "Errors",
        "`{\"error\": …}`",
        "`application/problem+json`, which keeps `error` beside `code` and `detail`",
    ],
    ["Unknown fields", "ignored", "rejected with the code `unknown_field`"],
    ["Credentials", "none", "an API key: `Authorization: Bearer KEY`"],
];

/// The page `/docs/compatibility`.
pub(super) fn page() -> Page {
    let rows: String = DIFFERENCES
        .iter()
        .map(|[subject, original, here]| {
            format!(
                "<tr><td>{}</td><td data-label=\"Original\">{}</td><td data-label=\"Here\">{}</td></tr>\n",
                prose(subject),
                prose(original),
                prose(here)
            )
        })
        .collect();
    let main = format!(
        "<p>Paths and names follow the original Order Execution API. These differences stay:</p>\n\
         <table><caption>Differences</caption><thead><tr><th scope=\"col\">Subject</th>\
         <th scope=\"col\">Original</th><th scope=\"col\">Here</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    );
    Page::text("Compatibility", main)
}
