//! Synthetic people: invented names, numbers and accounts, drawn by a seed.

use std::fmt::Write as _;

use jiff::ToSpan;
use praman_circuits::period::Day;
use praman_language::calendar;
use praman_register::{Category, District, RationCard, id_number};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const FIRST: [&str; 24] = [
    "Rina", "Salma", "Anita", "Mousumi", "Fatima", "Kakali", "Sabina", "Dipali", "Purnima", "Jaba",
    "Minati", "Hasina", "Rahul", "Salim", "Anil", "Tapan", "Bikash", "Sanjoy", "Karim", "Dulal",
    "Gopal", "Habib", "Nirmal", "Swapan",
];
const LAST: [&str; 20] = [
    "Das", "Mondal", "Biswas", "Khatun", "Sarkar", "Hansda", "Murmu", "Ghosh", "Sheikh", "Roy",
    "Pal", "Mahato", "Soren", "Barman", "Halder", "Naskar", "Tudu", "Laha", "Saha", "Bera",
];

/// Returns a register of synthetic people of all ages on a day, CSV.
pub(super) fn register(people: usize, seed: u64, on: Day) -> Vec<u8> {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut csv = String::from(
        "register_no,id_no,name,name_bn,guardian,sex,dob,mobile,district,block,category,ration_card,\
         annual_income,land_acres,disability_pct,ifsc,account\n",
    );
    let today = calendar::date_of(on).expect("a day in the calendar");
    for number in 0..people {
        let pick = |random: &mut ChaCha20Rng, of: &[&'static str]| {
            *of.choose(random).expect("there are some")
        };
        let (first, last) = (pick(&mut random, &FIRST), pick(&mut random, &LAST));
        let guardian = pick(&mut random, &FIRST);
        let days: i32 = random.gen_range(0..95 * 365);
        let dob = today.checked_sub(days.days()).unwrap_or(today);
        let (_, district) = District::ALL.choose(&mut random).expect("there are some");
        let (_, category) = Category::ALL.choose(&mut random).expect("there are some");
        let (_, card) = RationCard::ALL.choose(&mut random).expect("there are some");
        let sex = ["F", "M", "F", "M", "F", "M", "T"].choose(&mut random).expect("there are some");
        // Most have little, few have much.
        let income = 1_000 * random.gen_range(0u32..16).pow(2);
        let land = if random.gen_bool(0.5) { random.gen_range(0..500) } else { 0 };
        let disability = if random.gen_bool(0.1) { random.gen_range(1..=100) } else { 0 };
        let digits: [u8; 11] = std::array::from_fn(|place| match place {
            0 => random.gen_range(2..10),
            _ => random.gen_range(0..10),
        });
        let mobile: u64 = random.gen_range(6_000_000_000..10_000_000_000);
        let account: u64 = random.gen_range(10_000_000_000..99_999_999_999);
        writeln!(
            csv,
            "SB{number:09},{},{first} {last},,{guardian} {last},{sex},{dob},{mobile},{district},\
             Block {},{category},{card},{income},{}.{:02},{disability},SNDB0{:06},{account}",
            id_number::with_check_digit(digits),
            random.gen_range(1..20),
            land / 100,
            land % 100,
            random.gen_range(0..1_000_000),
        )
        .expect("a string takes it");
    }
    csv.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_gives_the_same_people_and_the_register_takes_them() {
        let on = calendar::today();
        let csv = register(500, 7, on);
        assert_eq!(csv, register(500, 7, on));
        assert_ne!(csv, register(500, 8, on));
        let checked = praman_register::check(&csv[..], on, |_| ()).expect("a register");
        let counts = checked.counts();
        assert_eq!((counts.rows, counts.rejected), (500, 0), "{:?}", checked.rejections());
        assert!(counts.duplicates < 25, "{}", counts.duplicates);
    }
}
