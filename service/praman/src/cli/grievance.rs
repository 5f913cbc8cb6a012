//! `praman grievance`.

use clap::Subcommand;
use praman_circuits::office::OfficeId;
use praman_circuits::scope::SchemeId;
use serde_json::json;

use super::{Outcome, Setting};
use crate::access_control::Action;
use crate::error::CommandError;
use crate::grievance::{Case, CaseOutcome, Cause, GrievanceStore, NewCase, SlipCode};
use crate::language::{Argument, Language};

/// Handle grievances: cases of people who were refused, with deadlines, answers and appeals.
///
/// A case holds no name: the person has a slip with its number and a code.
#[derive(Subcommand)]
pub(super) enum Grievance {
    /// List the causes, with their codes, sentences and what to bring.
    Causes {
        /// The language of the sentences.
        #[arg(long, value_enum, default_value = "en")]
        language: Language,
    },
    /// Open a case and print its slip, once.
    #[command(
        after_help = "Example: praman --as office.key grievance open --office 0 --scheme annapurna --cause account-closed --language bn"
    )]
    Open {
        /// The office whose register the case is about.
        #[arg(long)]
        office: u32,
        /// The scheme.
        #[arg(long)]
        scheme: SchemeId,
        /// Why the person was refused: a cause's name or code.
        #[arg(long)]
        cause: Cause,
        /// The language of the person.
        #[arg(long, value_enum)]
        language: Language,
    },
    /// List the cases that the user may see, the earliest due date first.
    List,
    /// Answer a case: set-right or stands.
    Answer {
        /// The case's number.
        number: u32,
        /// The answer.
        outcome: CaseOutcome,
    },
    /// Show a case by its slip.
    Slip {
        /// The case's number.
        number: u32,
        /// The code on the slip.
        code: SlipCode,
    },
    /// Appeal a case by its slip.
    Appeal {
        /// The case's number.
        number: u32,
        /// The code on the slip.
        code: SlipCode,
    },
    /// Decide an appeal, for good: set-right or stands.
    Decide {
        /// The case's number.
        number: u32,
        /// The decision.
        outcome: CaseOutcome,
    },
    /// Count the people who were kept out, by office and cause. Small counts are left out.
    Figures,
}

fn line(case: &Case) -> String {
    let due = case.due_on().map_or_else(String::new, |day| format!(" by {day}"));
    let late = if case.is_late { " LATE" } else { "" };
    let came_to = case.came_to().map_or("", CaseOutcome::name);
    let Case { number, code, scheme, office, state, .. } = case;
    format!(
        "{number:>5}  {code}  {scheme}  office {office}  {}{due}{late}  {came_to}",
        state.name()
    )
}

fn told(case: &Case) -> Outcome {
    Outcome::done(serde_json::to_value(case).expect("plain data"), line(case))
}

impl Grievance {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        if let Self::Causes { language } = self {
            return Ok(causes(language));
        }
        let store = setting.store().await?;
        match self {
            Self::Causes { language } => Ok(causes(language)),
            Self::Open { office, scheme, cause, language } => {
                let new = NewCase { office: OfficeId(office), scheme, cause, language };
                let caller = setting.act(&store, Action::OpenCase, &new.subject()).await?;
                let opened = GrievanceStore(&store).open_case(&new, &caller).await?;
                let advice = opened.case.advice();
                let (number, slip) = (opened.case.number, opened.slip.printed());
                let by = opened.case.due_on().map(|day| language.day(day)).unwrap_or_default();
                let answer = language.format("slip-open", &[("day", Argument::Text(&by))]);
                let text = format!(
                    "{number}  {slip}\n{} {}\n{}\n{answer}",
                    advice.code, advice.sentence, advice.bring
                );
                let json = json!({ "case": opened.case, "slip": slip, "told": advice });
                Ok(Outcome::done(json, text))
            }
            Self::List => {
                let caller = setting.act(&store, Action::ReadCases, "cases").await?;
                let cases = GrievanceStore(&store).cases(&caller, 10_000).await?;
                let text = cases.iter().map(line).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "cases": cases }), text))
            }
            Self::Answer { number, outcome } => {
                let subject = outcome.subject(number);
                let caller = setting.act(&store, Action::AnswerCase, &subject).await?;
                Ok(told(&GrievanceStore(&store).answer_case(number, outcome, &caller).await?))
            }
            Self::Slip { number, code } => {
                match GrievanceStore(&store).case_of_slip(number, &code).await? {
                    Some(case) => Ok(told(&case)),
                    None => {
                        let reason = "there is no grievance with this number and code";
                        Err(CommandError::Refused(reason.to_owned()))
                    }
                }
            }
            Self::Appeal { number, code } => {
                Ok(told(&GrievanceStore(&store).appeal_case(number, &code).await?))
            }
            Self::Decide { number, outcome } => {
                let subject = outcome.subject(number);
                let caller = setting.act(&store, Action::DecideAppeal, &subject).await?;
                Ok(told(&GrievanceStore(&store).decide_appeal(number, outcome, &caller).await?))
            }
            Self::Figures => {
                let caller = setting.act(&store, Action::ReadExclusion, "figures").await?;
                let figures = GrievanceStore(&store).exclusion(&caller).await?;
                let json = serde_json::to_value(&figures).expect("plain data");
                let text = serde_json::to_string_pretty(&json).expect("plain data");
                Ok(Outcome::done(json, text))
            }
        }
    }
}

fn causes(language: Language) -> Outcome {
    let each = |cause: &Cause| {
        (cause.code(), cause.name(), cause.sentence(language), cause.bring(language))
    };
    let causes: Vec<_> = Cause::ALL.iter().map(each).collect();
    let line = |(code, name, sentence, bring): &(&str, &str, String, String)| {
        format!("{code}  {name}\n     {sentence}\n     {bring}")
    };
    let text = causes.iter().map(line).collect::<Vec<_>>().join("\n");
    let json: Vec<_> = causes
        .iter()
        .map(|(code, name, sentence, bring)| {
            json!({ "code": code, "cause": name, "sentence": sentence, "bring": bring })
        })
        .collect();
    Outcome::done(json!({ "causes": json }), text)
}
