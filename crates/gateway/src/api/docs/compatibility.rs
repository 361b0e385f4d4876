//! The page on the differences from the original Order Execution API.

use super::page::{Page, prose};

/// Differences: subject, the original and so version 0, the current version.
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
    [
        "Credentials",
        "the original had none; here the same as in the current version",
        "an API key: `Authorization: Bearer KEY`",
    ],
];

/// The introduction.
const ASKING: &str = "<p>Paths and names follow the original Order Execution API. Its exact forms are version 0, for clients that ask for \
    them with the header <code>Accept: application/vnd.order-execution.v0+json</code>, and for all that name no version if the \
    operator sets <code>COMPATIBILITY=v0</code>. There a client asks for the current version with \
    <code>application/vnd.order-execution.v1+json</code>. A WebSocket is opened with the same header.</p>\n\
    <p>Version 0 accepts and executes orders as the current version does. Its numbers have all digits; a client that \
    reads them as binary fractions loses some. <code>offset</code> is at most 1000.</p>\n";

/// The page `/docs/compatibility`.
pub(super) fn page() -> Page {
    let rows: String = DIFFERENCES
        .iter()
        .map(|[subject, original, here]| {
            format!(
                "<tr><td>{}</td><td data-label=\"Version 0\">{}</td><td data-label=\"Current\">{}</td></tr>\n",
                prose(subject),
                prose(original),
                prose(here)
            )
        })
        .collect();
    let main = format!(
        "{ASKING}<table><caption>Differences</caption><thead><tr><th scope=\"col\">Subject</th>\
         <th scope=\"col\">Version 0</th><th scope=\"col\">Current</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    );
    Page::text("Compatibility", main)
}
