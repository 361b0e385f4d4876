//! The catalogue of error codes: `/docs/errors`, and a page for each code.

use super::page::{Page, escape, prose};
use crate::http::error_codes::{Code, Entry};
use std::fmt::Write as _;

/// The list of all codes. Each row has the code as its id, so links to `/docs/errors#CODE` lead to it.
pub(super) fn list() -> Page {
    let mut rows = String::new();
    for code in Code::all() {
        let Entry { name, title, status, retryable } = code.entry();
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr id=\"{name}\"><td><a href=\"/docs/errors/{name}\"><code>{name}</code></a></td>\
             <td data-label=\"Status\">{status}</td><td data-label=\"Try again\">{retry}</td>\
             <td>{title}.</td></tr>",
            status = status.as_u16(),
            retry = if retryable { "yes" } else { "no" },
            title = escape(title),
        );
    }
    let main = format!(
        "<p>Every error has one of these codes: in <code>application/problem+json</code> responses, on \
         WebSockets, in an order’s <code>error</code>, and as the reason of \
         <code>google.rpc.ErrorInfo</code> over gRPC. Programs should use the code; the texts may change.</p>\n\
         <table><caption>All codes</caption><thead><tr><th scope=\"col\">Code</th><th scope=\"col\">Status</th>\
         <th scope=\"col\">Try again</th><th scope=\"col\">Meaning</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    );
    Page::text("Error codes", main)
}

/// The page of one code; None if there is no such code.
pub(super) fn page(name: &str) -> Option<Page> {
    let code = Code::all().find(|code| code.entry().name == name)?;
    let Entry { name, title, status, retryable } = code.entry();
    let reason = status.canonical_reason().unwrap_or_default();
    let retry = if retryable {
        "Yes, the same request may succeed later. Wait as long as the header <code>Retry-After</code> says, if it is there."
    } else {
        "No, the same request fails again. Change it first."
    };
    let main = format!(
        "<p><strong>{title}.</strong> {explanation}</p>\n<dl><dt>Code</dt><dd><code>{name}</code></dd>\
         <dt>HTTP status</dt><dd>{status} {reason}</dd><dt>Try again</dt><dd>{retry}</dd></dl>\n\
         <p><a href=\"/docs/errors#{name}\">All error codes</a></p>\n",
        title = escape(title),
        explanation = prose(code.explanation()),
        status = status.as_u16(),
    );
    Some(Page::text(format!("Error {name}"), main))
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::Environment;

    #[test]
    fn every_code_has_its_place_and_its_page() {
        let list = list().html(Environment::Sandbox);
        for code in Code::all() {
            let name = code.entry().name;
            assert!(list.contains(&format!("<tr id=\"{name}\">")));
            assert!(
                page(name).unwrap().html(Environment::Sandbox).contains(&format!("<h1>Error {name}</h1>"))
            );
        }
        assert!(page("no_such_code").is_none());
    }
}
