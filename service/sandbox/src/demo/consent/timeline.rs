//! What happened, in order, as lines and as a page.

use jiff::Timestamp;
use maud::html;
use praman_consent::page;
use praman_language::Language;

/// Something that happened.
struct Event {
    at: Timestamp,
    allowed: bool,
    who: String,
    what: String,
}

/// What happened, in order.
#[derive(Default)]
pub(super) struct Timeline(Vec<Event>);

impl Timeline {
    pub(super) fn tell(&mut self, allowed: bool, who: &str, what: &str) {
        let (at, who, what) = (Timestamp::now(), who.to_owned(), what.to_owned());
        self.0.push(Event { at, allowed, who, what });
    }

    pub(super) fn to_text(&self) -> String {
        let line = |event: &Event| {
            let mark = if event.allowed { ' ' } else { '✗' };
            let time = event.at.strftime("%H:%M:%S%.3f");
            format!("{time} {mark} {:<20} {}\n", event.who, event.what)
        };
        self.0.iter().map(line).collect()
    }

    pub(super) fn to_html(&self) -> String {
        let body = html! {
            ol {
                @for event in &self.0 {
                    li {
                        article class=(if event.allowed { "yes" } else { "no" }) {
                            h3 { (event.who) @if !event.allowed { " · no" } }
                            p { (event.what) }
                            time datetime=(event.at.to_string()) {
                                (event.at.strftime("%H:%M:%S%.3f UTC").to_string())
                            }
                        }
                    }
                }
            }
        };
        page(Language::English, "A consent, from asking to erasing", body)
    }
}
