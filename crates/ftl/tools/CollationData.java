import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.text.*;
import java.util.*;

/**
 * Writes the order in which Java sorts strings, language by language, in the form that src/locale/collation.rs reads.
 * Usage: java CollationData FILE
 */
public class CollationData {

    public static void main(String[] args) throws Exception {
        RuleBasedCollator root = (RuleBasedCollator) Collator.getInstance(Locale.ROOT);
        List<String> lines = new ArrayList<>();
        lines.add(decompositions(root));
        section(lines, "", root);
        Map<String, RuleBasedCollator> orders = new TreeMap<>();
        Map<String, String> rules = new TreeMap<>();
        for (Locale locale : Collator.getAvailableLocales()) {
            if (!locale.getVariant().isEmpty() || !locale.getScript().isEmpty()) continue;
            RuleBasedCollator order = (RuleBasedCollator) Collator.getInstance(locale);
            orders.put(locale.toString(), order);
            rules.put(locale.toString(), order.getRules());
        }
        Map<String, List<String>> names = new LinkedHashMap<>();
        for (String name : orders.keySet()) {
            String language = name.contains("_") ? name.substring(0, name.indexOf('_')) : "";
            String inherited = rules.getOrDefault(language, root.getRules());
            if (!rules.get(name).equals(inherited)) {
                names.computeIfAbsent(rules.get(name), r -> new ArrayList<>()).add(name);
            }
        }
        for (List<String> same : names.values()) {
            section(lines, String.join(",", same), orders.get(same.get(0)));
        }
        Files.write(Paths.get(args[0]), (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** The elements of `text`, or null if it is in no order. */
    static List<Integer> elements(RuleBasedCollator order, String text) {
        List<Integer> elements = new ArrayList<>();
        CollationElementIterator iterator = order.getCollationElementIterator(text);
        for (int element; (element = iterator.next()) != CollationElementIterator.NULLORDER; ) elements.add(element);
        return !elements.isEmpty() && elements.get(0) == 0x7fff0000 ? null : elements;
    }

    static List<Integer> ofParts(RuleBasedCollator order, String text) {
        List<Integer> elements = new ArrayList<>();
        for (char part : Normalizer.normalize(text, Normalizer.Form.NFD).toCharArray()) {
            List<Integer> more = elements(order, String.valueOf(part));
            if (more == null) return null;
            elements.addAll(more);
        }
        return elements;
    }

    /** Characters that are sorted as what they are made of, in the root's order. */
    static String decompositions(RuleBasedCollator root) {
        StringBuilder line = new StringBuilder("d");
        for (char c = 0; c < 0xffff; c++) {
            if (Character.isSurrogate(c)) continue;
            String text = String.valueOf(c);
            String parts = Normalizer.normalize(text, Normalizer.Form.NFD);
            if (parts.length() > 1 && elements(root, text) != null) line.append(' ').append(text).append(parts);
        }
        return line.toString();
    }

    static void section(List<String> lines, String names, RuleBasedCollator order) {
        lines.add("= " + names);
        // Where accents count from the end.
        if (order.compare("cot\u00e9", "c\u00f4te") > 0) lines.add("f");
        RuleBasedCollator root = (RuleBasedCollator) Collator.getInstance(Locale.ROOT);
        TreeMap<Long, StringBuilder> single = new TreeMap<>();
        StringBuilder several = new StringBuilder("m");
        for (int c = 0; c < 0x10000; c++) {
            if (Character.isSurrogate((char) c)) continue;
            String text = String.valueOf((char) c);
            List<Integer> elements = elements(order, text);
            if (elements == null) continue;
            boolean isInRoot = elements(root, text) != null;
            boolean isMade = Normalizer.normalize(text, Normalizer.Form.NFD).length() > 1 && isInRoot;
            if (isMade && elements.equals(ofParts(order, text))) continue;
            if (elements.size() == 1) {
                single.computeIfAbsent(elements.get(0) & 0xffffffffL, e -> new StringBuilder()).append((char) c);
            } else {
                several.append(' ').append(hex(elements)).append(':').append(escaped(text));
            }
        }
        String letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for (char first : letters.toCharArray()) {
            for (char second : letters.toCharArray()) {
                String pair = "" + first + second;
                List<Integer> together = elements(order, pair);
                List<Integer> apart = new ArrayList<>(elements(order, "" + first));
                apart.addAll(elements(order, "" + second));
                if (!together.equals(apart)) several.append(' ').append(hex(together)).append(':').append(pair);
            }
        }
        // From one element to the next: ";" and "," for the next accent and case, "=" for the same, "#hex " for any other.
        StringBuilder stream = new StringBuilder("o ");
        long last = 0;
        for (Map.Entry<Long, StringBuilder> entry : single.entrySet()) {
            long element = entry.getKey();
            String step;
            if (element == (last & 0xffff0000L) + 0x10000) step = "";
            else if (element == (last & 0xffffff00L) + 0x100) step = ";";
            else if (element == last + 1) step = ",";
            else if (element == last) step = "=";
            else step = "#" + Long.toHexString(element) + " ";
            for (char c : entry.getValue().toString().toCharArray()) {
                stream.append(step).append(escaped(String.valueOf(c)));
                step = "=";
            }
            last = element;
        }
        lines.add(stream.toString());
        if (several.length() > 1) lines.add(several.toString());
    }

    static String hex(List<Integer> elements) {
        StringJoiner joiner = new StringJoiner(".");
        for (int element : elements) joiner.add(Integer.toHexString(element));
        return joiner.toString();
    }

    static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        for (char c : text.toCharArray()) {
            boolean plain = Character.isLetterOrDigit(c) && c > 0x7f || c > ' ' && c < 0x7f && ";,=#\\:".indexOf(c) < 0;
            if (plain) escaped.append(c);
            else escaped.append(String.format("\\%04x", (int) c));
        }
        return escaped.toString();
    }
}
