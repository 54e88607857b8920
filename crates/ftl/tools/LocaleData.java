import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.text.*;
import java.util.*;
import java.util.stream.*;

/**
 * Writes what Java knows of locales, in the form that src/locale reads: what differs from the shorter locale (de_AT
 * from de, de from the root), so that the files stay small.
 * Usage: java LocaleData FOLDER (writes locales.txt and zones.txt into it)
 */
public class LocaleData {
    /** Languages whose names of time zones are written; the others show the root's. */
    static final Set<String> ZONE_LANGUAGES = new HashSet<>(Arrays.asList(
        "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "ja", "zh", "ko", "ar", "hi", "sv", "da", "nb", "fi",
        "cs", "el", "he", "hu", "id", "th", "uk", "vi"));

    public static void main(String[] args) throws IOException {
        Path folder = Paths.get(args[0]);
        write(folder.resolve("locales.txt"), locales());
        write(folder.resolve("zones.txt"), zones());
    }

    static void write(Path path, List<String> lines) throws IOException {
        Files.write(path, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static List<String> locales() {
        Map<String, Map<String, String>> all = new TreeMap<>();
        all.put("", facts(Locale.ROOT));
        for (Locale available : Locale.getAvailableLocales()) {
            String language = available.getLanguage();
            if (!language.isEmpty()) {
                all.put(language, facts(new Locale(language)));
                if (!available.getCountry().isEmpty()) {
                    String name = language + "_" + available.getCountry();
                    all.put(name, facts(new Locale(language, available.getCountry())));
                }
            }
        }
        List<String> lines = new ArrayList<>();
        lines.add("# Made by tools/LocaleData.java with Java " + System.getProperty("java.version")
            + " from Unicode CLDR; see NOTICE.");
        lines.add("countries " + countries());
        lines.add("digits " + currencyDigits());
        for (Map.Entry<String, Map<String, String>> locale : all.entrySet()) {
            Map<String, String> parent = inherited(all, locale.getKey());
            List<String> own = new ArrayList<>();
            for (Map.Entry<String, String> fact : locale.getValue().entrySet()) {
                String before = expected(fact.getKey(), locale.getKey(), locale.getValue(), parent);
                if (fact.getKey().equals("symbols")) {
                    String changed = changedSymbols(before, fact.getValue());
                    if (!changed.isEmpty()) {
                        own.add("symbols " + changed);
                    }
                } else if (!before.equals(fact.getValue())) {
                    own.add(fact.getKey() + " " + fact.getValue());
                }
            }
            lines.add("= " + locale.getKey());
            lines.addAll(own);
        }
        return lines;
    }

    static Map<String, String> inherited(Map<String, Map<String, String>> all, String name) {
        if (name.isEmpty()) {
            return Collections.emptyMap();
        }
        int at = name.lastIndexOf('_');
        return all.get(at < 0 ? "" : name.substring(0, at));
    }

    /**
     * What a reader takes for a fact that isn't told: names that stand alone are those in dates; currency and week are
     * the country's; all else is as in the shorter locale.
     */
    static String expected(String key, String name, Map<String, String> own, Map<String, String> parent) {
        int at = name.lastIndexOf('_');
        String country = at < 0 ? "" : name.substring(at + 1);
        switch (key) {
            case "LLLL": return own.get("MMMM");
            case "LLL": return own.get("MMM");
            case "GGGG": return own.get("G");
            case "currency": return COUNTRIES.containsKey(country) ? COUNTRIES.get(country)[0] : parent.getOrDefault(key, "");
            case "week": return COUNTRIES.containsKey(country) ? COUNTRIES.get(country)[1] : parent.getOrDefault(key, "");
            default: return parent.getOrDefault(key, "");
        }
    }

    static String changedSymbols(String before, String after) {
        Set<String> known = new HashSet<>(Arrays.asList(before.split("\\|")));
        Map<String, String> now = symbolMap(after);
        List<String> changed = Arrays.stream(after.split("\\|"))
            .filter(s -> !s.isEmpty() && !known.contains(s)).collect(Collectors.toList());
        // What the shorter locale has a sign for and this one hasn't shows its code.
        for (String code : symbolMap(before).keySet()) {
            if (!now.containsKey(code)) {
                changed.add(code + "=" + code);
            }
        }
        return String.join("|", changed);
    }

    static Map<String, String> symbolMap(String list) {
        Map<String, String> map = new TreeMap<>();
        for (String entry : list.split("\\|")) {
            int at = entry.indexOf('=');
            if (at > 0) {
                map.put(entry.substring(0, at), entry.substring(at + 1));
            }
        }
        return map;
    }

    /** By country, its currency and its week: the first day (1 is Sunday), and days that a year's first week needs. */
    static final Map<String, String[]> COUNTRIES = new TreeMap<>();

    static {
        for (String country : Locale.getISOCountries()) {
            Locale locale = new Locale("", country);
            Calendar calendar = Calendar.getInstance(locale);
            COUNTRIES.put(country, new String[] {
                DecimalFormatSymbols.getInstance(locale).getInternationalCurrencySymbol(),
                calendar.getFirstDayOfWeek() + "," + calendar.getMinimalDaysInFirstWeek()});
        }
    }

    static String countries() {
        return COUNTRIES.entrySet().stream().map(e -> e.getKey() + "=" + String.join(",", e.getValue()))
            .collect(Collectors.joining("|"));
    }

    /** Every currency, with its digits where they aren't two. */
    static String currencyDigits() {
        return Currency.getAvailableCurrencies().stream()
            .sorted(Comparator.comparing(Currency::getCurrencyCode))
            .map(c -> c.getDefaultFractionDigits() == 2 ? c.getCurrencyCode()
                : c.getCurrencyCode() + "=" + c.getDefaultFractionDigits())
            .collect(Collectors.joining("|"));
    }

    static Map<String, String> facts(Locale locale) {
        Map<String, String> facts = new LinkedHashMap<>();
        DecimalFormatSymbols symbols = DecimalFormatSymbols.getInstance(locale);
        String zero = String.valueOf(symbols.getZeroDigit());
        // The texts of minus, percent and per mille may hold marks of direction, which only formatting shows.
        String minus = before(new DecimalFormat("0", symbols).format(-1));
        String percent = after(new DecimalFormat("0%", symbols).format(0));
        String perMille = after(new DecimalFormat("0\u2030", symbols).format(0));
        facts.put("numbers", String.join("|", String.valueOf(symbols.getDecimalSeparator()),
            String.valueOf(symbols.getGroupingSeparator()), minus, percent, perMille, symbols.getExponentSeparator(),
            symbols.getInfinity(), symbols.getNaN(), zero, String.valueOf(symbols.getMonetaryDecimalSeparator()),
            String.valueOf(symbols.getMonetaryGroupingSeparator())));
        facts.put("currency", symbols.getInternationalCurrencySymbol());
        facts.put("symbols", currencySymbols(locale));
        facts.put("number", pattern(NumberFormat.getNumberInstance(locale)));
        facts.put("percent", pattern(NumberFormat.getPercentInstance(locale)));
        facts.put("money", pattern(NumberFormat.getCurrencyInstance(locale)));
        Calendar calendar = Calendar.getInstance(TimeZone.getTimeZone("UTC"), locale);
        facts.put("calendar", calendar.getCalendarType());
        facts.put("week", calendar.getFirstDayOfWeek() + "," + calendar.getMinimalDaysInFirstWeek());
        for (String letters : Arrays.asList("MMMM", "MMM", "LLLL", "LLL")) {
            facts.put(letters, names(locale, letters, Calendar.MONTH, 0, 11));
        }
        for (String letters : Arrays.asList("EEEE", "EEE")) {
            facts.put(letters, names(locale, letters, Calendar.DAY_OF_WEEK, 1, 7));
        }
        facts.put("a", names(locale, "a", Calendar.AM_PM, 0, 1));
        facts.put("G", names(locale, "G", Calendar.ERA, 0, 1));
        facts.put("GGGG", names(locale, "GGGG", Calendar.ERA, 0, 1));
        styles(locale, facts);
        return facts;
    }

    static String before(String formatted) {
        return formatted.substring(0, formatted.length() - 1);
    }

    static String after(String formatted) {
        return formatted.substring(1);
    }

    static String pattern(NumberFormat format) {
        return ((DecimalFormat) format).toPattern();
    }

    static String currencySymbols(Locale locale) {
        return Currency.getAvailableCurrencies().stream()
            .sorted(Comparator.comparing(Currency::getCurrencyCode))
            .filter(c -> !c.getSymbol(locale).equals(c.getCurrencyCode()))
            .map(c -> c.getCurrencyCode() + "=" + c.getSymbol(locale))
            .collect(Collectors.joining("|"));
    }

    /** What the letters print, beside a number so that months take the form that stands in a date. */
    static String names(Locale locale, String letters, int field, int first, int last) {
        SimpleDateFormat format = new SimpleDateFormat("''" + letters + "''S", locale);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        List<String> names = new ArrayList<>();
        for (int value = first; value <= last; value++) {
            Calendar calendar = (Calendar) format.getCalendar().clone();
            calendar.clear();
            if (field == Calendar.ERA) {
                calendar.set(Calendar.YEAR, 2000);
            }
            calendar.set(field, value);
            String text = format.format(calendar.getTime());
            names.add(text.substring(1, text.lastIndexOf('\'')));
        }
        return String.join("|", names);
    }

    /** The patterns of the styles, full to short, and how date and time join: sixteen digits choose among the joints. */
    static void styles(Locale locale, Map<String, String> facts) {
        String[] dates = new String[4];
        String[] times = new String[4];
        for (int style = 0; style < 4; style++) {
            dates[style] = ((SimpleDateFormat) DateFormat.getDateInstance(style, locale)).toPattern();
            times[style] = ((SimpleDateFormat) DateFormat.getTimeInstance(style, locale)).toPattern();
        }
        facts.put("date", String.join("|", dates));
        facts.put("time", String.join("|", times));
        List<String> joints = new ArrayList<>();
        StringBuilder choice = new StringBuilder();
        for (int date = 0; date < 4; date++) {
            for (int time = 0; time < 4; time++) {
                String both = ((SimpleDateFormat) DateFormat.getDateTimeInstance(date, time, locale)).toPattern();
                int dateAt = both.indexOf(dates[date]);
                int timeAt = both.lastIndexOf(times[time]);
                if (dateAt < 0 || timeAt < 0) {
                    throw new IllegalStateException(locale + ": " + both + " / " + dates[date] + " / " + times[time]);
                }
                String joint = both.substring(0, timeAt) + "{0}" + both.substring(timeAt + times[time].length());
                joint = joint.replace(dates[date], "{1}");
                if (!joints.contains(joint)) {
                    joints.add(joint);
                }
                choice.append(Integer.toHexString(joints.indexOf(joint)));
            }
        }
        facts.put("joints", choice + "|" + String.join("|", joints));
    }

    /**
     * The zones, by groups that share their names in every locale, and apart those whose names Java doesn't read; and the
     * names: long standard and daylight, short
     * standard and daylight. An empty one is as in the shorter locale.
     */
    static List<String> zones() {
        SortedSet<String> locales = new TreeSet<>(ZONE_LANGUAGES);
        for (Locale available : Locale.getAvailableLocales()) {
            if (ZONE_LANGUAGES.contains(available.getLanguage()) && !available.getCountry().isEmpty()) {
                locales.add(available.getLanguage() + "_" + available.getCountry());
            }
        }
        locales.add("");
        // A name that several zones have is read as the first one's, in this order.
        Set<String> ids = new LinkedHashSet<>();
        for (String[] names : new DateFormatSymbols(Locale.US).getZoneStrings()) {
            ids.add(names[0]);
        }
        int readable = ids.size();
        ids.addAll(new TreeSet<>(Arrays.asList(TimeZone.getAvailableIDs())));
        Map<String, Integer> groups = new LinkedHashMap<>();
        List<Map<String, String>> namesOfGroups = new ArrayList<>();
        List<String> zones = new ArrayList<>();
        for (String id : ids) {
            Map<String, String> names = new TreeMap<>();
            for (String locale : locales) {
                names.put(locale, zoneNames(id, locale(locale)));
            }
            int group = groups.computeIfAbsent(names.toString(), key -> groups.size());
            if (group == namesOfGroups.size()) {
                namesOfGroups.add(names);
            }
            zones.add(id + "=" + group);
        }
        // Locales with the same names share a section.
        Map<String, List<String>> sections = new LinkedHashMap<>();
        for (String locale : locales) {
            String told = toldNames(locale, namesOfGroups);
            if (!told.isEmpty()) {
                sections.computeIfAbsent(told, key -> new ArrayList<>()).add(locale);
            }
        }
        List<String> lines = new ArrayList<>();
        lines.add("# Made by tools/LocaleData.java with Java " + System.getProperty("java.version")
            + " from Unicode CLDR; see NOTICE.");
        lines.add("zones " + String.join("|", zones.subList(0, readable)));
        lines.add("unreadable " + String.join("|", zones.subList(readable, zones.size())));
        sections.forEach((told, names) -> {
            lines.add("= " + String.join(" ", names));
            lines.addAll(Arrays.asList(told.split("\n")));
        });
        return lines;
    }

    /** A line for each group whose names differ from the shorter locale's. */
    static String toldNames(String locale, List<Map<String, String>> namesOfGroups) {
        int at = locale.lastIndexOf('_');
        String parent = locale.isEmpty() ? null : at < 0 ? "" : locale.substring(0, at);
        StringBuilder lines = new StringBuilder();
        for (int group = 0; group < namesOfGroups.size(); group++) {
            String[] names = namesOfGroups.get(group).get(locale).split("\\|");
            if (parent != null) {
                String[] before = namesOfGroups.get(group).get(parent).split("\\|");
                for (int index = 0; index < names.length; index++) {
                    names[index] = names[index].equals(before[index]) ? "" : names[index];
                }
            }
            String told = String.join("|", names).replaceAll("\\|+$", "");
            if (!told.isEmpty()) {
                lines.append(group).append(' ').append(told).append('\n');
            }
        }
        return lines.toString();
    }

    static Locale locale(String name) {
        String[] parts = name.split("_");
        return parts.length == 1 ? new Locale(parts[0]) : new Locale(parts[0], parts[1]);
    }

    static String zoneNames(String id, Locale locale) {
        TimeZone zone = TimeZone.getTimeZone(id);
        return zone.getDisplayName(false, TimeZone.LONG, locale) + "|" + zone.getDisplayName(true, TimeZone.LONG, locale)
            + "|" + zone.getDisplayName(false, TimeZone.SHORT, locale) + "|"
            + zone.getDisplayName(true, TimeZone.SHORT, locale);
    }
}
