//! The frame of all pages, and the responses that serve them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use order_core::Environment;
use std::fmt::Display;

/// Content security policy of our own pages: they load nothing from other hosts, and run no script.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of the page with Swagger UI, which sets styles of elements and draws images from
/// data. It needs no `unsafe-eval`.
pub(super) const TRY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page of HTML.
pub(super) struct Page {
    pub(super) title: String,
    /// HTML in the element `head`, behind the title.
    pub(super) head: &'static str,
    /// HTML of the element `main`. Texts from outside are escaped already.
    pub(super) main: String,
    /// True if the page takes the whole width.
    pub(super) is_wide: bool,
    pub(super) policy: &'static str,
}

impl Page {
    /// A page of text.
    pub(super) fn text(title: impl Into<String>, main: String) -> Self {
        Self { title: title.into(), head: "", main, is_wide: false, policy: POLICY }
    }

    /// The whole page as HTML.
    pub(super) fn html(&self, environment: Environment) -> String {
        let Self { title, head, main, is_wide, .. } = self;
        let class = if *is_wide { " class=\"wide\"" } else { "" };
        let meaning = match environment {
            Environment::Live => "orders are executed on Solana's mainnet, with real money",
            Environment::Sandbox => "orders are executed on a cluster without real money",
            Environment::Unknown => "no executor has met the cluster yet",
        };
        let title = escape(title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} – Order execution</title>\n<link rel=\"stylesheet\" href=\"/docs/assets/style.css\">\n\
             <link rel=\"icon\" href=\"/docs/assets/icon.svg\" type=\"image/svg+xml\">\n{head}\
             </head>\n<body{class}>\n<header>\n<nav aria-label=\"Pages\"><ul><li><a href=\"/\">Start</a></li>\
             <li><a href=\"/docs\">Operations</a></li><li><a href=\"/docs/errors\">Error codes</a></li>\
             <li><a href=\"/docs/compatibility\">Compatibility</a></li></ul></nav>\n\
             <p class=\"environment {name}\">Environment: <strong>{name}</strong> – {meaning}.</p>\n\
             <h1>{title}</h1>\n</header>\n<main>\n{main}</main>\n</body>\n</html>\n",
            name = environment.name(),
        )
    }

    /// The response with the page.
    pub(super) fn respond(&self, environment: Environment) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, self.html(environment)).into_response()
    }
}

/// Text as HTML.
pub(super) fn escape(text: impl Display) -> String {
    let text = text.to_string();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in which `code` is between backticks, as HTML.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

/// A file that a page needs, which browsers may keep for an hour.
pub(super) fn asset(content_type: &'static str, bytes: impl IntoResponse) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(prose("use `a<b`, not b"), "use <code>a&lt;b</code>, not b");
    }

    #[test]
    fn every_page_names_the_environment_and_its_language() {
        for environment in Environment::ALL {
            let html = Page::text("Title", "text".to_owned()).html(environment);
            assert!(html.contains(&format!("<strong>{}</strong>", environment.name())));
            assert!(html.contains("<html lang=\"en\">") && html.contains("<h1>Title</h1>"));
        }
    }
}
