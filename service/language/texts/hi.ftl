purpose-CAREMGT = इलाज और देखभाल
purpose-PUBHLTH = जन स्वास्थ्य
purpose-HPAYMT = इलाज के ख़र्च का भुगतान
purpose-DSRCH = रोगों पर शोध
purpose-PATRQT = आपका अपना अनुरोध
purpose-BTG = आपात स्थिति

type-Prescription = दवा की पर्चियाँ
type-DiagnosticReport = जाँच की रिपोर्टें
type-OPConsultation = ओपीडी के काग़ज़
type-DischargeSummary = छुट्टी के काग़ज़
type-ImmunizationRecord = टीकों का रिकॉर्ड
type-HealthDocumentRecord = स्वास्थ्य के दस्तावेज़
type-WellnessRecord = तंदुरुस्ती का रिकॉर्ड
type-Invoice = बिल

mode-VIEW = देख सकेगा
mode-STORE = रख सकेगा
mode-QUERY = उनके बारे में पूछ सकेगा
mode-STREAM = जैसे-जैसे आएँ वैसे पा सकेगा

frequency-whole = { $count ->
    [one] कुल एक बार
   *[other] कुल { $countText } बार
}
frequency-window = हर { $hours } घंटे में { $count ->
    [one] एक बार
   *[other] { $countText } बार
}

notice-title = आप किस बात की सहमति दे रहे हैं
notice-who = { $requester } रिकॉर्ड { $mode }।
notice-from = कहाँ से: { $provider }।
notice-why = किसलिए: { $purpose }।
notice-what = क्या-क्या: { $types }।
notice-care = { $from } से { $to } तक के इलाज का।
notice-often = कितनी बार: { $often }, { $until } तक।
notice-erase = जो मिला वह सब { $erase } तक मिटाना होगा।
notice-basis = यह केवल आपकी सहमति पर टिका है। सहमति न देने से आपका इलाज नहीं रुकेगा।
notice-withdraw = आप इसे कभी भी एक ही क़दम में वापस ले सकते हैं: ऐप में, या STOP { $number } संदेश भेजकर।
notice-complain = शिकायत: पहले संस्था के डेटा संरक्षण अधिकारी से, फिर भारत के डेटा संरक्षण बोर्ड से।

view-title = आपकी स्वास्थ्य सहमतियाँ
view-live = अभी चालू
view-waiting = आपके उत्तर की प्रतीक्षा में
view-ended = समाप्त
view-none = कुछ नहीं।
view-emergencies = आपात स्थिति में खोला गया, आपकी सहमति के बिना
view-number = नंबर { $number }
view-until = { $until } तक चालू
view-withdrawn = { $at } को वापस ली गई
view-expired = { $at } को समाप्त हुई
view-used = इस्तेमाल हुई:
view-never-used = इस्तेमाल नहीं हुई।
view-use = { $at }
view-withdraw = वापस लेने के लिए: STOP { $number }
view-give = सहमति देने के लिए: YES { $number }। कुछ न करें तो कुछ नहीं दिया जाएगा।
view-erased = पाने वाले ने बताया है कि सब मिटा दिया गया।
view-to-erase = पाने वाले को { $at } तक सब मिटाना होगा।

sms-help = सहमतियाँ देखने के लिए CONSENT, सहमति देने के लिए YES और नंबर, वापस लेने के लिए STOP और नंबर, किसने देखा जानने के लिए USED और नंबर भेजें।
sms-unknown = यह फ़ोन स्वास्थ्य सहमति के लिए दर्ज नहीं है। स्वास्थ्य केंद्र में दर्ज कराया जा सकता है।
sms-no-number = आपकी सहमतियों में { $number } नहीं है। देखने के लिए CONSENT भेजें।
sms-given = नंबर { $number } पर सहमति दी गई: { $requester }, { $purpose }, { $until } तक। वापस लेने के लिए STOP { $number } भेजें।
sms-withdrawn = नंबर { $number } की सहमति वापस ली गई। { $requester } को सब मिटाना होगा।
sms-already-withdrawn = नंबर { $number } की सहमति पहले ही वापस ली जा चुकी है।
sms-already-decided = नंबर { $number } का उत्तर पहले ही दिया जा चुका है, या समय निकल गया है।
sms-no-records = नंबर { $number } के लिए जहाँ माँगा गया वहाँ आपका कोई रिकॉर्ड नहीं है।
sms-overlaps = नंबर { $number } में जो माँगा गया वह एक और चालू सहमति में पहले से है। पहले उसे वापस लें।
sms-list-line = { $number }: { $requester }, { $purpose }, { $state }
sms-state-live = { $until } तक चालू
sms-state-waiting = आपके YES की प्रतीक्षा में
sms-state-ended = समाप्त
sms-used = नंबर { $number } { $count ->
    [0] का इस्तेमाल नहीं हुआ
    [one] एक बार इस्तेमाल हुआ: { $times }
   *[other] { $countText } बार इस्तेमाल हुआ: { $times }
}
sms-emergency = { $provider } ने { $at } को आपात स्थिति में दो डॉक्टरों के हस्ताक्षर से आपके { $types } { $until } तक खोले। इसकी जाँच होगी। ग़लत लगे तो स्वास्थ्य केंद्र को बताएँ।
