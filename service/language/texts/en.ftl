purpose-CAREMGT = care and treatment
purpose-PUBHLTH = public health
purpose-HPAYMT = payment for health care
purpose-DSRCH = research on diseases
purpose-PATRQT = your own request
purpose-BTG = an emergency

type-Prescription = prescriptions
type-DiagnosticReport = test reports
type-OPConsultation = out-patient visits
type-DischargeSummary = discharge summaries
type-ImmunizationRecord = vaccinations
type-HealthDocumentRecord = health documents
type-WellnessRecord = wellness records
type-Invoice = bills

mode-VIEW = look at them
mode-STORE = keep them
mode-QUERY = ask questions of them
mode-STREAM = receive them as they come

frequency-whole = { $count ->
    [one] once in all
   *[other] { $countText } times in all
}
frequency-window = { $count ->
    [one] once
   *[other] { $countText } times
} in every { $hours } hours

notice-title = What you agree to
notice-who = { $requester } may { $mode }.
notice-from = From { $provider }.
notice-why = For { $purpose }.
notice-what = What: { $types }.
notice-care = Care from { $from } to { $to }.
notice-often = How often: { $often }, until { $until }.
notice-erase = All that was got must be erased by { $erase }.
notice-basis = This rests on your consent alone. Your care does not depend on it.
notice-withdraw = You can withdraw it at any time in one step: in the app, or by the message STOP { $number }.
notice-complain = Complaints: the provider's data protection officer, then the Data Protection Board of India.

view-title = Your health consents
view-live = Live now
view-waiting = Waiting for your answer
view-ended = Ended
view-none = None.
view-emergencies = Opened in an emergency, without your consent
view-number = Number { $number }
view-until = Good until { $until }
view-withdrawn = Withdrawn on { $at }
view-expired = Ended on { $at }
view-used = Used:
view-never-used = Not used.
view-use = on { $at }
view-withdraw = Withdraw: STOP { $number }
view-give = Agree: YES { $number }. Ignore it, and nothing is given.
view-erased = The requester has confirmed that it erased everything.
view-to-erase = The requester must erase everything by { $at }.

sms-help = Send CONSENT to see your consents, YES and a number to agree, STOP and a number to withdraw, USED and a number to see who looked.
sms-unknown = This telephone is not registered for health consents. Your health centre can register it.
sms-no-number = There is no { $number } among your consents. Send CONSENT to see them.
sms-given = Number { $number } is agreed: { $requester }, { $purpose }, until { $until }. To withdraw send STOP { $number }.
sms-withdrawn = Number { $number } is withdrawn. { $requester } must erase everything.
sms-already-withdrawn = Number { $number } was withdrawn already.
sms-already-decided = Number { $number } was answered already, or its time has passed.
sms-no-records = There are no records for number { $number } at the places that were asked.
sms-overlaps = Number { $number } covers what another live consent covers already. Withdraw that one first.
sms-list-line = { $number }: { $requester }, { $purpose }, { $state }
sms-state-live = live until { $until }
sms-state-waiting = waits for your YES
sms-state-ended = ended
sms-used = Number { $number } was used { $count ->
    [0] never
    [one] once: { $times }
   *[other] { $countText } times: { $times }
}
sms-emergency = { $provider } opened your { $types } in an emergency on { $at }, by two doctors, until { $until }. It will be reviewed. If this was wrong, tell the health centre.
