//! Progress bars of the stages, one after the other.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// Shows progress on the terminal, or not.
pub(crate) struct Stages {
    shown: bool,
}

impl Stages {
    pub(crate) fn new(shown: bool) -> Self {
        Self { shown }
    }

    /// Returns a bar for the next stage; it stays as it is when the stage is over.
    pub(crate) fn begin(&self, what: &'static str, steps: usize) -> ProgressBar {
        let target =
            if self.shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg:24} {bar:40} {pos}/{len} {elapsed}")
            .expect("the template is well formed");
        ProgressBar::with_draw_target(Some(steps as u64), target)
            .with_style(style)
            .with_message(what)
            .with_finish(ProgressFinish::AndLeave)
    }
}
