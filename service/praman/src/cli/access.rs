//! `praman access`: tenants, principals, approvals, quotas, prices.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use praman_circuits::office::OfficeId;
use praman_circuits::scope::SchemeId;
use serde_json::json;

use super::{Outcome, Setting};
use crate::access_control::{
    AccessStore, Action, Admission, ApiKey, Approval, ApprovalState, Credential, Decision,
    NewPrincipal, Price, PrincipalNumber, Quota, Role, TenantName, days_from_now, matrix,
};
use crate::error::CommandError;
use crate::treasury::TreasuryDecisions;
use crate::{calendar, tls};

/// Manage users: departments (tenants), roles, approvals, quotas and prices.
///
/// Without --as the operator acts, who has the machine.
#[derive(Subcommand)]
pub(super) enum Access {
    /// Add a department (a tenant), or give it more offices and schemes.
    #[command(
        after_help = "Example: praman access tenant food --title 'Food and supplies' --office 1 --scheme annapurna"
    )]
    Tenant {
        /// The department's short name: a-z, 0-9 and -.
        name: TenantName,
        /// The department's full name.
        #[arg(long)]
        title: String,
        /// The number of an office of the department; may be given again.
        #[arg(long = "office", value_name = "NUMBER")]
        offices: Vec<u32>,
        /// A scheme of the department, which then sees its claims and payments; may be given again.
        #[arg(long = "scheme", value_name = "SCHEME")]
        schemes: Vec<SchemeId>,
        /// The department that these offices and schemes belong to now, to move them from it.
        #[arg(long, value_name = "NAME")]
        from: Option<TenantName>,
    },
    /// List all departments (tenants).
    Tenants,
    /// Write a new API key to a file, and print the digest by which the user is added.
    #[command(after_help = "Example: praman access key --out kiosk.key")]
    Key {
        /// Where to write the key. Only its user may see it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    Admit(Admit),
    /// Remove a user: they can do nothing from now on.
    #[command(after_help = "Example: praman access revoke 7")]
    Revoke {
        /// The user's number, as `praman access list` shows it.
        number: u32,
    },
    /// List the users.
    List,
    /// List the approval requests: those that are pending, and those that were decided.
    Approvals,
    /// Approve a request, as the second person. The act is then done.
    #[command(after_help = "Example: praman --as second.key access approve 3")]
    Approve {
        /// The number of the approval request.
        number: u32,
    },
    /// Deny a request, as the second person. The act is not done.
    Deny {
        /// The number of the approval request.
        number: u32,
    },
    /// List every action, every way to it, and every role.
    #[command(after_help = "Example: praman access matrix --json")]
    Matrix,
    /// Set how often a day a department (tenant) may do an action.
    #[command(after_help = "Example: praman access quota food proofs.ask --a-day 100000")]
    Quota {
        /// The department.
        tenant: TenantName,
        /// An action that is counted.
        action: Action,
        /// How often a day, by India's calendar; without it the quota is removed.
        #[arg(long, value_name = "COUNT")]
        a_day: Option<u32>,
    },
    /// Set what an action costs, from a day on.
    #[command(after_help = "Example: praman access price proofs.ask --paise 25 --from 2027-04-01")]
    Price {
        /// An action that is counted.
        action: Action,
        /// The price of each time, in paise.
        #[arg(long)]
        paise: u32,
        /// The first day: today or later.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// Only for this department (tenant).
        #[arg(long)]
        tenant: Option<TenantName>,
    },
    /// Show what a department (tenant) used in a month, and what it costs.
    #[command(after_help = "Example: praman access usage food --month 2026-11")]
    Usage {
        /// The department.
        tenant: TenantName,
        /// The month [default: this one].
        #[arg(long, value_parser = month)]
        month: Option<Date>,
    },
}

fn month(text: &str) -> Result<Date, String> {
    calendar::read_month(text).ok_or_else(|| "write the month as 2026-11".to_owned())
}

/// Add a user: a person or a machine, known by one credential.
#[derive(Args)]
#[command(
    after_help = "Examples: praman access admit --name 'Kiosk 12' --role kiosk --tenant food --key-out kiosk.key
          praman access admit --name 'R. Das' --role auditor --tenant audit --issuer https://login.example --subject 81f3
          praman --as agency.key access admit --name relay-1 --role relayer --tenant agency --certificate relay.pem"
)]
pub(super) struct Admit {
    /// The user's name. The two-person rule takes two users with one name for one person.
    #[arg(long)]
    name: String,
    /// The user's role: oversight, agency, department, office, treasury, auditor, relayer, kiosk,
    /// provider, application.
    #[arg(long)]
    role: Role,
    /// The department (tenant) that the user acts for.
    #[arg(long)]
    tenant: TenantName,
    /// The number of the user's office; for a provider or an application, its number on the ledger.
    #[arg(long, value_name = "NUMBER")]
    member: Option<u32>,
    /// For how many days the user may act [default: until the user is removed].
    #[arg(long)]
    days: Option<u32>,
    #[command(flatten)]
    credential: CredentialSource,
}

/// The credential by which the user is known.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct CredentialSource {
    /// Make an API key and write it to this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["digest", "certificate", "issuer"])]
    key_out: Option<PathBuf>,
    /// The digest of an API key, as `praman access key` prints it.
    #[arg(long, value_name = "DIGITS", conflicts_with_all = ["certificate", "issuer"])]
    digest: Option<String>,
    /// The client's certificate, PEM.
    #[arg(long, value_name = "FILE", conflicts_with = "issuer")]
    certificate: Option<PathBuf>,
    /// The user's OpenID issuer, as its tokens name it.
    #[arg(long, value_name = "URL", requires = "subject")]
    issuer: Option<String>,
    /// The user's subject at the issuer.
    #[arg(long, requires = "issuer")]
    subject: Option<String>,
}

impl CredentialSource {
    /// The credential, and the key that was made for it.
    fn credential(&self) -> Result<(Credential, Option<ApiKey>), CommandError> {
        if let Some(digest) = &self.digest {
            let credential = Credential::parse("api-key", digest);
            return Ok((credential.map_err(CommandError::WrongUse)?, None));
        }
        if let Some(path) = &self.certificate {
            return Ok((tls::credential_of(path)?, None));
        }
        if let (Some(issuer), Some(subject)) = (&self.issuer, &self.subject) {
            return Ok((Credential::open_id(issuer, subject), None));
        }
        let key = ApiKey::generate();
        Ok((key.credential(), Some(key)))
    }
}

impl Access {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Matrix => {
                Ok(Outcome::done(json!({ "matrix": matrix::lines() }), matrix::markdown()))
            }
            Self::Key { out } => {
                let key = ApiKey::generate();
                key.save(&out)?;
                let Credential::ApiKey(digest) = key.credential() else {
                    unreachable!("an API key's credential is one")
                };
                let digest = hex::encode(digest);
                Ok(Outcome::done(json!({ "digest": digest }), digest))
            }
            Self::Admit(admit) => admit.run(setting).await,
            Self::Approve { number } => decide(setting, number, Decision::Approve).await,
            Self::Deny { number } => decide(setting, number, Decision::Deny).await,
            Self::Tenant { name, title, offices, schemes, from } => {
                let store = setting.store().await?;
                let subject = match &from {
                    Some(from) => format!("{name}: from {from}"),
                    None => name.to_string(),
                };
                setting.act(&store, Action::AdmitTenant, &subject).await?;
                let offices: Vec<OfficeId> = offices.into_iter().map(OfficeId).collect();
                let ended = AccessStore(&store)
                    .admit_tenant_from(&name, &title, &offices, &schemes, from.as_ref())
                    .await?;
                let mut text = format!("{name} is a tenant");
                if ended > 0 {
                    text.push_str(&format!(
                        "\n{ended} officers of its offices lost their access, since another department had \
                         admitted them: admit those who stay"
                    ));
                }
                Ok(Outcome::done(json!({ "tenant": name, "officers_ended": ended }), text))
            }
            Self::Tenants => {
                let tenants = AccessStore(&setting.store().await?).tenants().await?;
                let line = |tenant: &crate::access_control::Tenant| {
                    let (name, title) = (tenant.name.as_str(), &tenant.title);
                    let schemes = tenant.schemes.join(", ");
                    format!("{name:<20}{title}  {:?}  {schemes}", tenant.offices)
                };
                let text = tenants.iter().map(line).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "tenants": tenants }), text))
            }
            Self::Revoke { number } => {
                let store = setting.store().await?;
                let subject = format!("principal {number}");
                let caller = setting.act(&store, Action::RevokePrincipal, &subject).await?;
                let ended = AccessStore(&store)
                    .revoke_principal(PrincipalNumber(number), &caller, &TreasuryDecisions)
                    .await?;
                let text = if ended { "is removed" } else { "was not active" };
                let json = json!({ "principal": number, "ended": ended });
                Ok(Outcome::done(json, format!("user {number} {text}")))
            }
            Self::List => {
                let (store, caller) = setting.reader(Action::ReadPrincipals).await?;
                let known = AccessStore(&store).principals(&caller).await?;
                let line = |principal: &crate::access_control::Principal| {
                    let end = if principal.revoked_at.is_some() { "  (revoked)" } else { "" };
                    format!(
                        "{:>4}  {:<12}{:<20}{}{end}",
                        principal.number.0,
                        principal.role.name(),
                        principal.tenant.as_str(),
                        principal.name
                    )
                };
                let text = known.iter().map(line).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "principals": known }), text))
            }
            Self::Approvals => {
                let (store, caller) = setting.reader(Action::ReadApprovals).await?;
                let known = AccessStore(&store).approvals(&caller).await?;
                let text = known.iter().map(told).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "approvals": known }), text))
            }
            Self::Quota { tenant, action, a_day } => {
                let store = setting.store().await?;
                let subject = format!("quota of {tenant}: {}", action.name());
                setting.act(&store, Action::SetTariff, &subject).await?;
                AccessStore(&store).set_quota(&Quota { tenant, action, a_day }).await?;
                let text = match a_day {
                    Some(a_day) => format!("the quota of {} is {a_day} a day", action.name()),
                    None => format!("{} has no quota", action.name()),
                };
                Ok(Outcome::done(json!({ "action": action.name(), "a_day": a_day }), text))
            }
            Self::Price { action, paise, from, tenant } => {
                let store = setting.store().await?;
                let subject = format!("price of {} from {from}", action.name());
                setting.act(&store, Action::SetTariff, &subject).await?;
                AccessStore(&store).set_price(&Price { tenant, action, from, paise }).await?;
                let text = format!("{} costs {paise} paise each, from {from} on", action.name());
                Ok(Outcome::done(json!({ "action": action.name(), "paise": paise }), text))
            }
            Self::Usage { tenant, month } => {
                let (store, caller) = setting.reader(Action::ReadUsage).await?;
                if !caller.sees(&tenant) {
                    return Err(CommandError::Refused(format!("there is no department {tenant}")));
                }
                let today = calendar::date_of(calendar::today()).expect("in the calendar");
                let usage = AccessStore(&store).usage(&tenant, month.unwrap_or(today)).await?;
                let mut text = String::new();
                for line in &usage.lines {
                    let rupees = rupees(line.paise);
                    text.push_str(&format!("{:<20}{:>12}{rupees:>16}\n", line.action, line.count));
                }
                text.push_str(&format!("{:<32}{:>16}", usage.month, rupees(usage.paise)));
                Ok(Outcome::done(json!(usage), text))
            }
        }
    }
}

fn rupees(paise: u64) -> String {
    format!("₹ {}.{:02}", paise / 100, paise % 100)
}

fn told(approval: &Approval) -> String {
    let by = approval.decided_by.as_deref().unwrap_or("no user yet");
    format!(
        "{:>4}  {:<9}{:<9}requested by {}, decided by {by}: {}",
        approval.number,
        approval.kind.name(),
        approval.state.name(),
        approval.asked_by,
        approval.document
    )
}

async fn decide(
    setting: &Setting,
    number: u32,
    decision: Decision,
) -> Result<Outcome, CommandError> {
    let store = setting.store().await?;
    let subject = format!("approval {number}: {}", decision.name());
    let caller = setting.act(&store, Action::Decide, &subject).await?;
    let approval =
        AccessStore(&store).decide(number, decision, &caller, &TreasuryDecisions).await?;
    let mut text = told(&approval);
    if approval.state == ApprovalState::Waiting {
        text += "\nthe operator asked for this, who may be you: it is now requested in your name, and another \
                 member of oversight or agency must approve it";
    }
    Ok(Outcome::done(json!(approval), text))
}

impl Admit {
    async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let store = setting.store().await?;
        let subject = format!("{} of {}: {}", self.role.name(), self.tenant, self.name);
        let caller = setting.act(&store, Action::AdmitPrincipal, &subject).await?;
        let (credential, key) = self.credential.credential()?;
        let new = NewPrincipal {
            name: self.name,
            role: self.role,
            tenant: self.tenant,
            member: self.member,
            credential,
            expires_at: self.days.map(days_from_now),
        };
        // The key first: one that lets nobody act does no harm, and one that was not kept helps nobody.
        if let (Some(key), Some(path)) = (key, &self.credential.key_out) {
            key.save(path)?;
        }
        match AccessStore(&store).admit_principal(&new, &caller).await {
            Ok(Admission::Admitted(principal)) => {
                let text = format!("user {} is added", principal.number.0);
                Ok(Outcome::done(json!({ "admitted": principal }), text))
            }
            Ok(Admission::Waits(number)) => {
                let text = format!(
                    "the request needs a second person's approval: praman --as THEIR.key access \
                     approve {number}"
                );
                Ok(Outcome::done(json!({ "waits": number }), text))
            }
            Err(refusal) => {
                if let Some(path) = &self.credential.key_out {
                    let _ = std::fs::remove_file(path);
                }
                Err(refusal.into())
            }
        }
    }
}
