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

mode-VIEW = view the records
mode-STORE = keep the records
mode-QUERY = ask questions about the records
mode-STREAM = receive the records as they come

frequency-whole = { $count ->
    [one] once in total
   *[other] { $countText } times in total
}
frequency-window = { $count ->
    [one] once
   *[other] { $countText } times
} every { $hours } hours

notice-title = What you agree to
notice-who = { $requester } may { $mode }.
notice-from = From { $provider }.
notice-why = For { $purpose }.
notice-what = What: { $types }.
notice-care = Care from { $from } to { $to }.
notice-often = How often: { $often }, until { $until }.
notice-erase = Everything received must be erased by { $erase }.
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
view-until = Valid until { $until }
view-withdrawn = Withdrawn on { $at }
view-expired = Ended on { $at }
view-used = Used:
view-never-used = Not used.
view-use = on { $at }
view-withdraw = To withdraw, send STOP { $number }
view-give = To agree, send YES { $number }. If you do nothing, nothing is given.
view-erased = The requester has confirmed that it erased everything.
view-to-erase = The requester must erase everything by { $at }.

sms-help = Send CONSENT to see your consents, YES and a number to agree, STOP and a number to withdraw, USED and a number to see who looked.
sms-unknown = This phone is not registered for health consents. Your health centre can register it.
sms-no-number = You have no consent with the number { $number }. Send CONSENT to see your consents.
sms-given = You agreed to number { $number }: { $requester }, { $purpose }, until { $until }. To withdraw, send STOP { $number }.
sms-withdrawn = Number { $number } is withdrawn. { $requester } must erase everything.
sms-already-withdrawn = Number { $number } was already withdrawn.
sms-already-decided = Number { $number } was already answered, or its time has passed.
sms-no-records = There are no records for number { $number } at the places that were asked.
sms-overlaps = Another live consent already covers what number { $number } covers. Withdraw that one first.
sms-list-line = { $number }: { $requester }, { $purpose }, { $state }
sms-state-live = live until { $until }
sms-state-waiting = waiting for your YES
sms-state-ended = ended
sms-used = Number { $number } { $count ->
    [0] was not used
    [one] was used once: { $times }
   *[other] was used { $countText } times: { $times }
}
sms-emergency = { $provider } opened your { $types } in an emergency on { $at }, by two doctors, until { $until }. It will be reviewed. If this was wrong, report it to the health centre.
