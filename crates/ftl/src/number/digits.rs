//! The digits that Java before 19 gives a binary number: enough to read it back, but now and then one more than are needed,
//! or others than the nearest.

use std::f64::consts::LOG10_2;

use bigdecimal::num_bigint::BigUint;

/// A magnitude: `0.DIGITS × 10^point`.
pub(super) struct Shortest {
    pub(super) digits: Vec<u8>,
    pub(super) point: i32,
}

/// A positive number: `significand × 2^exponent`, where the significand is odd.
struct Binary {
    significand: u64,
    /// How many bits the significand has.
    bits: i32,
    /// The exponent of the first bit.
    first: i32,
    /// How many bits its type keeps of such numbers.
    kept: i32,
}

impl Binary {
    /// Of a finite number that isn't zero; `is_single` for one of 32 bits.
    fn of(value: f64, is_single: bool) -> Self {
        let (fraction_bits, least) = match is_single {
            true => (f32::MANTISSA_DIGITS as i32 - 1, f32::MIN_EXP - 1),
            false => (f64::MANTISSA_DIGITS as i32 - 1, f64::MIN_EXP - 1),
        };
        // Every number of 32 bits is a normal one of 64.
        let bits = value.abs().to_bits();
        let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
        let (significand, last) = match exponent {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, exponent - 1075),
        };
        let zeros = significand.trailing_zeros() as i32;
        let significand = significand >> zeros;
        let bits = 64 - significand.leading_zeros() as i32;
        let first = last + zeros + bits - 1;
        Self {
            significand,
            bits,
            first,
            // The smallest numbers have fewer.
            kept: fraction_bits + 1 - (least - first).max(0),
        }
    }
}

/// The digits of a finite number that isn't zero.
pub(super) fn shortest(value: f64, is_single: bool) -> Shortest {
    let binary = Binary::of(value, is_single);
    // Whole numbers of a machine word have the digits that they have, as far as those mean something.
    if (0..=62).contains(&binary.first) && binary.bits <= binary.first + 1 {
        let whole = binary.significand << (binary.first + 1 - binary.bits);
        return of_whole(whole, binary.first - binary.kept - 1);
    }
    generated(&binary)
}

/// The digits of a whole number, whose last `vague` bits mean nothing.
fn of_whole(mut whole: u64, vague: i32) -> Shortest {
    let mut dropped = 0;
    if vague > 1 {
        dropped = (f64::from(vague) * LOG10_2) as u32;
        let unit = 10_u64.pow(dropped);
        let rest = whole % unit;
        whole = whole / unit + u64::from(dropped > 0 && rest >= unit / 2);
    }
    let text = whole.to_string();
    let digits = text.trim_end_matches('0').as_bytes().to_vec();
    Shortest {
        digits,
        point: text.len() as i32 + dropped as i32,
    }
}

/// The digits of another number, one after the other, until those that are left out don't matter.
fn generated(binary: &Binary) -> Shortest {
    let &Binary {
        significand,
        bits,
        first,
        kept,
    } = binary;
    let mut exponent = estimated_exponent(binary);
    let tiny = (bits - first - 1).max(0);
    // The number is value / scale, and so far from it what is read as it is unit / scale.
    let fives = exponent.max(0) as u32;
    let lifted = (-exponent).max(0) as u32;
    let mut value_twos = lifted as i32 + tiny + first;
    let mut scale_twos = fives as i32 + tiny;
    let mut unit_twos = value_twos - kept;
    value_twos -= bits - 1;
    let common = value_twos.min(scale_twos);
    value_twos -= common;
    scale_twos -= common;
    unit_twos -= common;
    if bits == 1 {
        // Below a power of two the next number is only half as far away.
        unit_twos -= 1;
    }
    let missing = (-unit_twos).max(0);
    value_twos += missing;
    scale_twos += missing;
    unit_twos += missing;
    let five_bits = |power: u32| match power {
        0 => 0,
        1..=27 => (f64::from(power) * 5_f64.log2()) as i32 + 1,
        _ => power as i32 * 3,
    };
    let fits_word =
        bits + value_twos + five_bits(lifted) < 64 && scale_twos + 1 + five_bits(fives + 1) < 64;
    let power = |fives: u32, twos: i32| BigUint::from(5_u8).pow(fives) << twos as usize;
    let mut value = BigUint::from(significand) * power(lifted, value_twos);
    let scale = power(fives, scale_twos);
    let mut unit = power(lifted, unit_twos);
    let tens = &scale * 10_u8;
    let mut digits = Vec::new();
    let mut next = |digits: &mut Vec<u8>| {
        let digit = &value / &scale;
        value = (&value % &scale) * 10_u8;
        unit *= 10_u8;
        digits.push(digit.iter_u32_digits().next().unwrap_or(0) as u8);
        let sum = &value + &unit;
        let low = value < unit;
        // Java compares machine words otherwise than long numbers.
        let high = if fits_word { sum > tens } else { sum >= tens };
        (low, high, (&value * 2_u8).cmp(&tens))
    };
    let (mut low, mut high, mut half) = next(&mut digits);
    if digits[0] == 0 && !high {
        digits.clear();
        exponent -= 1;
    }
    // With an exponent there is a digit after the point.
    if !(-3..8).contains(&exponent) {
        (low, high) = (false, false);
    }
    while !low && !high {
        (low, high, half) = next(&mut digits);
    }
    let is_odd = digits.last().is_some_and(|digit| digit % 2 == 1);
    let up = high && (!low || half.is_gt() || (half.is_eq() && is_odd));
    let mut point = exponent + 1;
    if up {
        while digits.last() == Some(&9) {
            digits.pop();
        }
        match digits.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                digits.push(1);
                point += 1;
            }
        }
    }
    digits.iter_mut().for_each(|digit| *digit += b'0');
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    Shortest { digits, point }
}

/// The exponent of the first decimal digit, or one more.
fn estimated_exponent(binary: &Binary) -> i32 {
    let fraction = binary.significand as f64 / 2_f64.powi(binary.bits - 1);
    let estimate =
        (fraction - 1.5) * 0.289_529_654 + 0.176_091_259 + f64::from(binary.first) * LOG10_2;
    estimate.floor() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64, is_single: bool) -> String {
        let found = shortest(value, is_single);
        format!(
            "0.{}e{}",
            String::from_utf8_lossy(&found.digits),
            found.point
        )
    }

    #[test]
    fn digits_are_those_of_java() {
        for (value, expected) in [
            (0.1, "0.1e0"),
            (2e-3, "0.2e-2"),
            (1e23, "0.9999999999999999e23"),
            (2e23, "0.19999999999999998e24"),
            (4.9e-324, "0.49e-323"),
            (1.797_693_134_862_315_7e308, "0.17976931348623157e309"),
            (2_f64.powi(-44), "0.56843418860808015e-13"),
            (123_456_789.0, "0.123456789e9"),
            (9_007_199_254_740_993.0, "0.9007199254740992e16"),
        ] {
            assert_eq!(text(value, false), expected, "{value:e}");
        }
        assert_eq!(text(2_147_483_648.0, true), "0.214748365e10");
        assert_eq!(text(f64::from(0.1_f32), true), "0.1e0");
    }

    proptest! {
        #[test]
        fn they_are_read_as_the_number_that_they_are_of(bits in any::<u64>(), single in any::<u32>()) {
            let double = f64::from_bits(bits).abs();
            if double.is_finite() && double > 0.0 {
                prop_assert_eq!(text(double, false).parse::<f64>().expect("a number"), double);
            }
            let single = f32::from_bits(single).abs();
            if single.is_finite() && single > 0.0 {
                prop_assert_eq!(text(f64::from(single), true).parse::<f32>().expect("a number"), single);
            }
        }
    }
}
