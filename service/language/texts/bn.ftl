purpose-CAREMGT = চিকিৎসা ও পরিচর্যা
purpose-PUBHLTH = জনস্বাস্থ্য
purpose-HPAYMT = চিকিৎসার খরচ মেটানো
purpose-DSRCH = রোগ নিয়ে গবেষণা
purpose-PATRQT = আপনার নিজের অনুরোধ
purpose-BTG = জরুরি অবস্থা

type-Prescription = প্রেসক্রিপশন
type-DiagnosticReport = পরীক্ষার রিপোর্ট
type-OPConsultation = বহির্বিভাগে দেখানো
type-DischargeSummary = ছুটির কাগজ
type-ImmunizationRecord = টিকার নথি
type-HealthDocumentRecord = স্বাস্থ্যের নথি
type-WellnessRecord = সুস্থতার নথি
type-Invoice = বিল

mode-VIEW = দেখতে পারবে
mode-STORE = রেখে দিতে পারবে
mode-QUERY = প্রশ্ন করে জানতে পারবে
mode-STREAM = যেমন যেমন আসবে তেমন পেতে পারবে

frequency-whole = { $count ->
    [one] মোট একবার
   *[other] মোট { $countText } বার
}
frequency-window = প্রতি { $hours } ঘণ্টায় { $count ->
    [one] একবার
   *[other] { $countText } বার
}

notice-title = আপনি যাতে সম্মতি দিচ্ছেন
notice-who = { $requester } নথিগুলি { $mode }।
notice-from = যেখান থেকে: { $provider }।
notice-why = কেন: { $purpose }।
notice-what = কী কী: { $types }।
notice-care = { $from } থেকে { $to } পর্যন্ত চিকিৎসার নথি।
notice-often = কতবার: { $often }, { $until } পর্যন্ত।
notice-erase = যা পাওয়া গেছে তার সবটা { $erase }-এর মধ্যে মুছে ফেলতে হবে।
notice-basis = এটি শুধু আপনার সম্মতির উপর দাঁড়িয়ে। সম্মতি না দিলেও আপনার চিকিৎসা আটকাবে না।
notice-withdraw = যে কোনো সময় এক ধাপেই সম্মতি ফেরত নিতে পারেন: অ্যাপে, অথবা STOP { $number } লিখে বার্তা পাঠিয়ে।
notice-complain = অভিযোগ: আগে প্রতিষ্ঠানের তথ্য সুরক্ষা আধিকারিককে, তারপর ভারতের তথ্য সুরক্ষা পর্ষদকে।

view-title = আপনার স্বাস্থ্য-সম্মতি
view-live = এখন চালু
view-waiting = আপনার উত্তরের অপেক্ষায়
view-ended = শেষ হয়েছে
view-none = কিছু নেই।
view-emergencies = জরুরি অবস্থায় খোলা হয়েছে, আপনার সম্মতি ছাড়া
view-number = নম্বর { $number }
view-until = { $until } পর্যন্ত চালু
view-withdrawn = { $at } তারিখে ফেরত নেওয়া হয়েছে
view-expired = { $at } তারিখে শেষ হয়েছে
view-used = ব্যবহার হয়েছে:
view-never-used = ব্যবহার হয়নি।
view-use = { $at }
view-withdraw = ফেরত নিতে: STOP { $number }
view-give = সম্মতি দিতে: YES { $number }। কিছু না করলে কিছুই দেওয়া হবে না।
view-erased = সব মুছে ফেলা হয়েছে বলে গ্রহীতা জানিয়েছে।
view-to-erase = গ্রহীতাকে { $at }-এর মধ্যে সব মুছে ফেলতে হবে।

sms-help = সম্মতি দেখতে CONSENT, সম্মতি দিতে YES ও নম্বর, ফেরত নিতে STOP ও নম্বর, কে দেখেছে জানতে USED ও নম্বর পাঠান।
sms-unknown = এই ফোন স্বাস্থ্য-সম্মতির জন্য নথিভুক্ত নয়। স্বাস্থ্যকেন্দ্রে নথিভুক্ত করানো যায়।
sms-no-number = আপনার সম্মতির মধ্যে { $number } নেই। দেখতে CONSENT পাঠান।
sms-given = { $number } নম্বরে সম্মতি দেওয়া হল: { $requester }, { $purpose }, { $until } পর্যন্ত। ফেরত নিতে STOP { $number } পাঠান।
sms-withdrawn = { $number } নম্বরের সম্মতি ফেরত নেওয়া হল। { $requester }-কে সব মুছে ফেলতে হবে।
sms-already-withdrawn = { $number } নম্বরের সম্মতি আগেই ফেরত নেওয়া হয়েছে।
sms-already-decided = { $number } নম্বরের উত্তর আগেই দেওয়া হয়েছে, অথবা সময় পেরিয়ে গেছে।
sms-no-records = { $number } নম্বরে যেখানে চাওয়া হয়েছে সেখানে আপনার কোনো নথি নেই।
sms-overlaps = { $number } নম্বরে যা চাওয়া হয়েছে তা অন্য একটি চালু সম্মতিতে আগেই আছে। আগে সেটি ফেরত নিন।
sms-list-line = { $number }: { $requester }, { $purpose }, { $state }
sms-state-live = { $until } পর্যন্ত চালু
sms-state-waiting = আপনার YES-এর অপেক্ষায়
sms-state-ended = শেষ হয়েছে
sms-used = { $number } নম্বর { $count ->
    [0] ব্যবহার হয়নি
    [one] একবার ব্যবহার হয়েছে: { $times }
   *[other] { $countText } বার ব্যবহার হয়েছে: { $times }
}
sms-emergency = { $provider } জরুরি অবস্থায় { $at } তারিখে দুজন চিকিৎসকের সইয়ে আপনার { $types } খুলেছে, { $until } পর্যন্ত। এটি খতিয়ে দেখা হবে। ভুল মনে হলে স্বাস্থ্যকেন্দ্রে জানান।
