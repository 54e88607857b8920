//! Descriptions: from Markdown to HTML that is safe in any page.
//!
//! Nothing is filtered out of a browser's HTML: the parser's events are written with the few elements
//! that this module knows, and everything else (raw HTML included) is text. Pictures are their
//! descriptions, links lead to `http`, `https` or `mailto`.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// How much of a description is read: a draft may hold more than can be released.
const READ_BYTES: usize = 32 << 10;

/// How much is written; then all that is open ends.
const WRITTEN_BYTES: usize = 256 << 10;

/// How deep elements stand in each other; what would be deeper stands where it is.
const DEPTH: usize = 24;

/// What links tell browsers: that the page's author doesn't vouch for them, and that they learn nothing.
const LINK: &str = r#" rel="nofollow noopener noreferrer ugc" target="_blank""#;

/// The HTML of a text in CommonMark, with ~~struck~~ text.
pub(super) fn to_html(markdown: &str) -> String {
    let mut end = markdown.len().min(READ_BYTES);
    while !markdown.is_char_boundary(end) {
        end -= 1;
    }
    let mut writer = Writer::default();
    for event in Parser::new_ext(&markdown[..end], Options::ENABLE_STRIKETHROUGH) {
        if writer.out.len() > WRITTEN_BYTES {
            break;
        }
        writer.event(event);
    }
    writer.finish()
}

#[derive(Default)]
struct Writer {
    out: String,
    /// What ends each part that is open; empty for one that has no element.
    open: Vec<&'static str>,
    /// How many of them have an element.
    depth: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text),
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        if self.depth >= DEPTH {
            self.open.push("");
            return;
        }
        let end = match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.element("<p>", "</p>\n"),
            Tag::Heading { level, .. } => match *level as usize {
                1 => self.element("<h1>", "</h1>\n"),
                2 => self.element("<h2>", "</h2>\n"),
                3 => self.element("<h3>", "</h3>\n"),
                _ => self.element("<h4>", "</h4>\n"),
            },
            Tag::BlockQuote(_) => self.element("<blockquote>\n", "</blockquote>\n"),
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => {
                self.element("<pre><code>", "</code></pre>\n")
            }
            Tag::List(None) => self.element("<ul>\n", "</ul>\n"),
            Tag::List(Some(first)) => {
                self.out.push_str(&format!("<ol start=\"{first}\">\n"));
                "</ol>\n"
            }
            Tag::Item => self.element("<li>", "</li>\n"),
            Tag::Emphasis => self.element("<em>", "</em>"),
            Tag::Strong => self.element("<strong>", "</strong>"),
            Tag::Strikethrough => self.element("<del>", "</del>"),
            Tag::Link { dest_url, .. } if is_plain_link(dest_url) => {
                self.out.push_str("<a href=\"");
                self.text(dest_url);
                self.out.push('"');
                self.out.push_str(LINK);
                self.element(">", "</a>")
            }
            // Of a picture its description is left, of another link what it says.
            _ => "",
        };
        self.depth += usize::from(!end.is_empty());
        self.open.push(end);
    }

    /// Begins an element; returns how it ends.
    fn element(&mut self, start: &str, end: &'static str) -> &'static str {
        self.out.push_str(start);
        end
    }

    fn end(&mut self) {
        let end = self.open.pop().unwrap_or_default();
        self.depth -= usize::from(!end.is_empty());
        self.out.push_str(end);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // No text of HTML has these.
                c if c.is_control() && !matches!(c, '\n' | '\t') => {}
                c => self.out.push(c),
            }
        }
    }

    fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }
}

/// Whether a link leads where links may lead, whatever a browser makes of odd characters, and where it
/// seems to lead: not to what stands behind the name of a user.
fn is_plain_link(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, rest)| {
        let authority = rest.strip_prefix("//").unwrap_or_default();
        let authority = authority.split(['/', '?', '#', '\\']).next();
        let web = authority.is_some_and(|it| !it.is_empty() && !it.contains('@'));
        let scheme = scheme.to_ascii_lowercase();
        (matches!(&*scheme, "http" | "https") && web) || scheme == "mailto"
    });
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    scheme == Some(true) && !url.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_shown() {
        let html = to_html(
            "# Mail\n\nSends *mail* & **more**, ~~fast~~ `a<b`.\n\n1. [Docs](https://a.example/?b=\"c\"&d)\n\
             2. <mailto:ann@a.example>\n\n> quoted\n\n```js\n<b>\n```\n\n- x\n\n---\n",
        );
        for part in [
            "<h1>Mail</h1>",
            "<p>Sends <em>mail</em> &amp; <strong>more</strong>, <del>fast</del> <code>a&lt;b</code>.</p>",
            "<ol start=\"1\">",
            "<a href=\"https://a.example/?b=&quot;c&quot;&amp;d\" rel=\"nofollow noopener noreferrer ugc\" \
             target=\"_blank\">Docs</a>",
            "<a href=\"mailto:ann@a.example\"",
            "<blockquote>\n<p>quoted</p>\n</blockquote>",
            "<pre><code>&lt;b&gt;\n</code></pre>",
            "<ul>\n<li>x</li>\n</ul>\n<hr>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    /// The elements of a text that this module wrote; panics where it could not have written it.
    fn elements(html: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for part in html.split('<').skip(1) {
            let (element, text) = part.split_once('>').expect("an end");
            assert!(!text.contains(['>', '"', '\'']), "{html}");
            let (name, attributes) = element.split_once(' ').unwrap_or((element, ""));
            let known = [
                "p",
                "h1",
                "h2",
                "h3",
                "h4",
                "blockquote",
                "pre",
                "code",
                "ul",
                "ol",
                "li",
                "em",
                "strong",
                "del",
                "a",
                "br",
                "hr",
            ];
            assert!(known.contains(&name.trim_start_matches('/')), "{html}");
            match name {
                "a" => {
                    let href = attributes.strip_prefix("href=\"").expect("an address");
                    let (url, rest) = href.split_once('"').expect("its end");
                    assert!(
                        ["http://", "https://", "mailto:"].iter().any(|start| {
                            url.get(..start.len())
                                .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
                        }),
                        "{html}"
                    );
                    assert_eq!(rest, LINK);
                }
                "ol" => assert!(attributes.starts_with("start=\""), "{html}"),
                _ => assert_eq!(attributes, "", "{html}"),
            }
            found.push(name);
        }
        found
    }

    #[test]
    fn hostile_texts_become_nothing_but_known_elements() {
        let hostile = [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<a href=\"javascript:alert(1)\">x</a>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](java\tscript:alert(1))",
            "[x](<java&#10;script:alert(1)>)",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:x)",
            "[x](//evil.example)",
            "[x](/path)",
            "[x](https:///evil.example)",
            "[x](https:/\\evil.example)",
            "[x](http:evil.example)",
            "[x](https://bank.example@evil.example)",
            "[x](https:&#47;/bank&#46;example:443&#64;evil.example/)",
            "[x](\u{1}https://a.example)",
            "[x](https://a.example \"onmouseover=alert(1) x='\")",
            "[x](https://a.example/\"onmouseover=\"alert(1))",
            "<https://a.example/\"onmouseover=alert(1)>",
            "<javascript:alert(1)>",
            "![x](https://track.example/p.png)",
            "![x\" onerror=\"alert(1)](x)",
            "![[y](javascript:alert(1))](javascript:alert(2))",
            "[![x](https://a.example/x.png)](https://a.example)",
            "```\"><script>alert(1)</script>\nx\n```",
            "```<img src=x onerror=alert(1)>\nx\n```",
            "<!-- --><svg/onload=alert(1)>",
            "<![CDATA[<script>]]>",
            "<?xml?><style>*{}</style>",
            "[x]: javascript:alert(1)\n\n[x]",
            "[x]: <javascript:alert(1)> 'a'\n\n![x] [x][]",
            "# <script>\n\n<div\nonclick=alert(1)>\n",
            "1. <iframe src=x>\n   > <object>\n",
            "\u{0}<scr\u{0}ipt>\u{202e}",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "*a **b ~~c `d [e](https://f",
            "999999999999. x",
        ];
        for text in hostile {
            elements(&to_html(text));
        }
        // Together, and each broken anywhere.
        elements(&to_html(&hostile.join("\n\n")));
        for text in hostile {
            for (end, _) in text.char_indices() {
                elements(&to_html(&format!(
                    "{}{}",
                    &text[..end],
                    "\n\n<b>[y](javascript:y)"
                )));
            }
        }
        let html = to_html("[x](javascript:alert(1)) ![pic](https://a.example/x.png)");
        assert_eq!(html, "<p>x pic</p>\n");
        let html = to_html("[x](https://bank.example@evil.example) <https://u:p@evil.example>");
        assert!(!html.contains("<a"), "{html}");
    }

    #[test]
    fn elements_are_nested_and_end_within_bounds() {
        for deep in [
            ">".repeat(20_000),
            "- ".repeat(10_000),
            "*a **b ".repeat(4_000),
            "[".repeat(30_000),
        ] {
            let html = to_html(&format!("{deep}x"));
            let (mut depth, mut deepest) = (0_usize, 0);
            for element in elements(&html) {
                match element.starts_with('/') {
                    true => depth -= 1,
                    false if !matches!(element, "br" | "hr") => depth += 1,
                    false => {}
                }
                deepest = deepest.max(depth);
            }
            assert_eq!(depth, 0);
            assert!(deepest <= DEPTH, "{deepest}");
        }
    }

    #[test]
    fn what_is_written_is_bounded_and_ends() {
        for long in [
            "[x](https://a.example) ",
            "\"",
            "# a\n",
            "- a\n\n",
            "`'`",
            "é",
        ] {
            let html = to_html(&long.repeat(200_000 / long.len()));
            assert!(
                html.len() < WRITTEN_BYTES + 2 * 6 * READ_BYTES,
                "{}",
                html.len()
            );
            let elements = elements(&html);
            let starts = elements
                .iter()
                .filter(|name| !name.starts_with('/') && **name != "hr");
            let ends = elements.iter().filter(|name| name.starts_with('/'));
            assert_eq!(starts.count(), ends.count());
        }
        assert!(to_html(&"x".repeat(READ_BYTES + 10)).len() < READ_BYTES + 20);
    }
}
