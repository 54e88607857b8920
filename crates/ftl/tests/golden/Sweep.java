import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/**
 * Writes golden cases of random formats, values, locales and time zones: numbers_sweep.txt, dates_sweep.txt and
 * locales_sweep.txt. The seed is fixed, so that the cases stay the same.
 * Usage: java Sweep FOLDER
 */
public class Sweep {
    static final Random RANDOM = new Random(20260401);

    static final String[] LOCALES = (
        "en en_US en_GB en_CA en_AU en_IN de de_DE de_AT de_CH fr fr_FR fr_CA fr_CH fr_BE es es_ES es_MX es_AR it_IT it_CH "
        + "pt_BR pt_PT nl_NL nl_BE pl_PL ru_RU tr_TR ja_JP zh_CN zh_TW zh_HK ko_KR ar_EG ar_SA ar_AE hi_IN sv_SE da_DK "
        + "nb_NO fi_FI cs_CZ uk_UA el_GR he_IL th_TH fa_IR bn_BD hu_HU ro_RO vi_VN id_ID lt_LT lv_LV et_EE sr_RS ca_ES "
        + "mr_IN my_MM en_DE de_US xx_YY qq").split(" ");

    /** The locales whose names of time zones are known. */
    static final Set<String> WITH_ZONE_NAMES = new HashSet<>(Arrays.asList((
        "en de fr es it pt nl pl ru tr ja zh ko ar hi sv da nb fi cs").split(" ")));

    /** Zones whose rules don't differ between the versions of the time zone database that are in use. */
    static final String[] ZONES = (
        "UTC GMT GMT+05:30 GMT-03:00 Europe/Berlin Europe/London Europe/Dublin Europe/Moscow Europe/Istanbul "
        + "America/New_York America/Los_Angeles America/Chicago America/Sao_Paulo America/St_Johns America/Caracas "
        + "America/Argentina/Buenos_Aires Asia/Tokyo Asia/Kolkata Asia/Kathmandu Asia/Shanghai Asia/Dubai "
        + "Australia/Sydney Australia/Lord_Howe Australia/Adelaide Pacific/Auckland Pacific/Apia Pacific/Chatham "
        + "Africa/Cairo Africa/Lagos Antarctica/Troll PST EST IST JST Etc/GMT+5").split(" ");

    public static void main(String[] args) throws IOException {
        Path folder = Paths.get(args[0]);
        write(folder.resolve("numbers_sweep.txt"), numbers());
        write(folder.resolve("dates_sweep.txt"), dates());
        write(folder.resolve("locales_sweep.txt"), locales());
    }

    static void write(Path path, List<String> lines) throws IOException {
        lines.add(0, "## Made by Sweep.java");
        Files.write(path, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static String pick(String... choices) {
        return choices[RANDOM.nextInt(choices.length)];
    }

    static boolean chance(int percent) {
        return RANDOM.nextInt(100) < percent;
    }

    static String literal(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    static List<String> numbers() {
        List<String> lines = new ArrayList<>();
        for (int count = 0; count < 700; count++) {
            if (count % 20 == 0) {
                lines.add("## {\"locale\":\"" + (count < 200 ? "en_US" : pick(LOCALES)) + "\"}");
            }
            String pattern = literal(numberPattern());
            List<String> parts = new ArrayList<>();
            for (int value = 0; value < 4; value++) {
                parts.add("${" + number() + "?string(" + pattern + ")}");
            }
            lines.add(String.join("|", parts));
        }
        return lines;
    }

    static String number() {
        String digits = pick("0", "1", "5", "12", "999", "1000", "1234567", "98765432109876543210",
            String.valueOf(RANDOM.nextInt(100000)));
        if (chance(60)) {
            digits += "." + pick("5", "25", "125", "005", "995", "0000001", "123456789", "50", "0",
                String.valueOf(RANDOM.nextInt(1000)));
        }
        return chance(40) ? "(-" + digits + ")" : digits;
    }

    static String numberPattern() {
        StringBuilder pattern = new StringBuilder(affix());
        pattern.append(pick("#", "0", "#0", "#,##0", "#,###", "000", "#,##,##0", "00,00", "##0", "##", ",##0", "", "#,0"));
        if (chance(60)) {
            pattern.append('.').append(pick("", "0", "#", "00", "##", "0#", "###", "0###", "00000", "000##"));
        }
        if (chance(20)) {
            pattern.append(pick("E0", "E00", "E000", "E"));
        }
        pattern.append(affix());
        if (chance(25)) {
            pattern.append(';').append(affix()).append(pick("0", "#", "#,##0.0", "")).append(affix());
        }
        if (chance(6)) {
            int at = RANDOM.nextInt(pattern.length() + 1);
            pattern.insert(at, pick("0", "#", ".", ",", ";", "'", "%", "E"));
        }
        if (chance(35)) {
            pattern.append(pattern.indexOf(";") < 0 ? ";;" : ";");
            int options = 1 + RANDOM.nextInt(3);
            for (int option = 0; option < options; option++) {
                pattern.append(pick(" ", "  ", option > 0 ? ", " : " ")).append(option());
            }
        }
        return pattern.toString();
    }

    static String affix() {
        return chance(60) ? "" : pick("a", "$", "\u00a4", "\u00a4\u00a4", "%", "\u2030", "-", "'#'", "x ''y", "+", "'%'", " ",
            "\u00a4 ", "'a;b'", "(", ")", "\u20ac");
    }

    static String option() {
        return pick("roundingMode=" + pick("up", "down", "ceiling", "floor", "halfUp", "halfDown", "halfEven", "unnecessary"),
            "roundingMode=halfUp", "multiplier=" + pick("1", "10", "3", "0", "'-2'"), "multipier=7",
            "decimalSeparator='" + pick(",", "_", "\u066b") + "'", "groupingSeparator=" + pick("' '", "\"'\"", "_"),
            "monetaryDecimalSeparator='*'", "exponentSeparator=" + pick("e", "'*10^'"), "minusSign='" + pick("~", "m") + "'",
            "infinity=inf", "nan='?'", "percent='p'", "perMill='q'", "zeroDigit='" + pick("\u0660", "\u0966", "a") + "'",
            "currencyCode=" + pick("EUR", "USD", "JPY", "INR", "CHF", "BRL"), "foo=1", "roundingMode=x");
    }

    static List<String> dates() {
        List<String> lines = new ArrayList<>();
        for (int count = 0; count < 900; count++) {
            if (count % 15 == 0) {
                String locale = chance(30) ? "en_US" : pick(LOCALES);
                // Week years of the Buddhist calendar are read in a way of their own.
                locale = locale.equals("th_TH") ? "ko_KR" : locale;
                hasZoneNames = WITH_ZONE_NAMES.contains(locale.split("_")[0]);
                lines.add("## {\"locale\":\"" + locale + "\",\"time_zone\":\"" + pick(ZONES)
                    + "\"}");
            }
            String pattern = literal(datePattern());
            String date = instant() + "?number_to_datetime?string(" + pattern + ")";
            switch (RANDOM.nextInt(3)) {
                case 0:
                    lines.add("${" + date + "}|${" + instant() + "?number_to_datetime?string(" + pattern + ")}");
                    break;
                case 1:
                    lines.add("${(" + date + ")?datetime(" + pattern + ")?long?c}");
                    break;
                default:
                    lines.add("${" + literal(dateText()) + "?datetime(" + literal(readingPattern) + ")?long?c}");
            }
        }
        return lines;
    }

    static String instant() {
        long millis;
        switch (RANDOM.nextInt(10)) {
            case 0: millis = (RANDOM.nextLong() >> 12) ; break;
            case 1: millis = -12219292800000L + RANDOM.nextInt(2000000000) * 10L - 10000000000L; break;
            case 2: millis = (long) (RANDOM.nextDouble() * 4e12) - 3.0e12 > 0 ? 0 : -(long) (RANDOM.nextDouble() * 3e12); break;
            case 3: millis = RANDOM.nextInt(40) * 86400000L * 365; break;
            default: millis = (long) (RANDOM.nextDouble() * 4.1e12);
        }
        // Years of two digits must not depend on when FreeMarker is asked.
        if (millis > 2_300_000_000_000L && millis < 3_000_000_000_000L) {
            millis -= 1_000_000_000_000L;
        }
        if (millis < -150_000_000_000L && millis > -900_000_000_000L) {
            millis -= 1_000_000_000_000L;
        }
        return millis < 0 ? "(" + millis + ")" : String.valueOf(millis);
    }

    static boolean hasZoneNames;

    static String datePattern() {
        StringBuilder pattern = new StringBuilder();
        int fields = 1 + RANDOM.nextInt(7);
        for (int field = 0; field < fields; field++) {
            char letter = "GyyyyMMMMLLwWDddFEEEuaHHkKhmmssSSzzZXYY".charAt(RANDOM.nextInt(39));
            if (letter == 'z' && !hasZoneNames) {
                letter = 'Z';
            }
            int width = 1 + RANDOM.nextInt(letter == 'X' ? 3 : 5);
            for (int at = 0; at < width; at++) {
                pattern.append(letter);
            }
            pattern.append(pick("", " ", "-", "/", ":", ", ", ".", "'T'", "''", "'o''clock'", "\u5e74"));
        }
        if (chance(3)) {
            pattern.append(pick("b", "'", "XXXX", "c", "n"));
        }
        return pattern.toString();
    }

    static String readingPattern;

    /** A text, and in readingPattern what it is to be read with. */
    static String dateText() {
        StringBuilder text = new StringBuilder();
        StringBuilder pattern = new StringBuilder();
        int fields = 1 + RANDOM.nextInt(6);
        for (int field = 0; field < fields; field++) {
            char letter = "yyyMMdddDFwWuHkKhmsSYE".charAt(RANDOM.nextInt(22));
            int width = 1 + RANDOM.nextInt(4);
            for (int at = 0; at < width; at++) {
                pattern.append(letter);
            }
            String separator = chance(15) ? "" : pick(" ", "-", "/", ":", ".", "'T'");
            pattern.append(separator);
            if ((letter == 'M' && width > 2) || letter == 'E') {
                text.append(letter == 'E' ? pick("Mon", "Tuesday", "sun", "FRI") : pick("Jan", "February", "MAR", "dec"));
            } else if (letter == 'y' || letter == 'Y') {
                text.append(pick("2022", "1999", "1582", "21", "05", "88", "1", "0", "-5", "12345", "1600", "800"));
            } else {
                text.append(pick("1", "2", "0", "07", "12", "13", "31", "60", "99", "-1", "366", "1000", "24", "4294967297"));
            }
            text.append(separator.replace("'", ""));
        }
        readingPattern = pattern.toString();
        if (chance(10)) {
            text.append("rest");
        }
        if (chance(5)) {
            text.setLength(text.length() / 2);
        }
        return text.toString();
    }

    static List<String> locales() {
        List<String> lines = new ArrayList<>();
        for (String locale : LOCALES) {
            lines.add("## {\"locale\":\"" + locale + "\",\"time_zone\":\"" + pick(ZONES) + "\"}");
            lines.add("${(-1234567.891)?string.number} ${0.256?string.percent} ${(-1234.5)?string.currency} ${1234567?string}");
            boolean hasZoneNames = WITH_ZONE_NAMES.contains(locale.split("_")[0]);
            for (String style : hasZoneNames ? Arrays.asList("short", "medium", "long", "full") : Arrays.asList("short", "medium")) {
                String date = instant() + "?number_to_date?string." + style;
                lines.add("${" + date + "}|${" + instant() + "?number_to_time?string." + style + "}|${" + instant()
                    + "?number_to_datetime?string." + style + "_" + pick(hasZoneNames ? new String[] {"short", "medium", "long", "full"} : new String[] {"short", "medium"}) + "}");
                lines.add("${" + date.replace("?string." + style, "?string.full") + "} ${" + date.replace("?string." + style, "?string.long") + "}");
                lines.add("${(" + date + ")?date." + style + "?long?c}");
            }
            lines.add("<#list 0..11 as m>${(m * 2678400000)?number_to_date?string(\"MMM d MMMM LLL LLLL\")};</#list>"
                + "<#list 0..6 as d>${(d * 86400000)?number_to_date?string(\"E EEEE\")};</#list>");
            lines.add("${0?number_to_time?string(\"a G\")} ${43200000?number_to_time?string(\"a GGGG\")} "
                + "${(-99999999999999)?number_to_date?string(\"G GGGG y\")} "
                + "<#list 0..9 as y>${(y * 31622400000)?number_to_date?string(\"w W YYYY\")} </#list>");
            lines.add("<#list [\"USD\", \"EUR\", \"GBP\", \"JPY\", \"CNY\", \"INR\", \"BRL\", \"RUB\", \"KRW\", \"SEK\"] as c>"
                + "${1.5?string(\"\u00a40.00 \u00a4\u00a4;; currencyCode=\" + c)} </#list>");
            lines.add("${\"i\u0131\u0130I \u00df \u03a3\"?upper_case} ${\"i\u0131\u0130I \u03a3A\u03a3\"?lower_case} ${.locale} ${.lang} #{1234.5; m1M3}");
            if (hasZoneNames) {
                lines.add("${" + instant() + "?number_to_datetime?string(\"z zzzz\")} ${0?number_to_datetime?string(\"z zzzz\")}");
            }
        }
        return lines;
    }
}
