import freemarker.cache.StringTemplateLoader;
import freemarker.core.Environment;
import freemarker.core.ParseException;
import freemarker.template.Configuration;
import freemarker.template.Template;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/**
 * Answers cases on Apache FreeMarker, one line of JSON each, in order, as they come; the only argument is a file with
 * the data of cases that have none of their own.
 *
 * <p>{"id", "template" | "templates" and "name", "data", "settings"} gives {"id", "output"} or
 * {"id", "error", "line", "column", "end_line", "end_column", "stack"}.
 */
public class Cases {
    static final long STACK_BYTES = 64 << 20;
    static final long LIMIT_MILLIS = 20_000;

    /** What cases without data of their own are rendered with. */
    static Object shared = new LinkedHashMap<String, Object>();

    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            shared = new Json(new String(Files.readAllBytes(Paths.get(args[0])), StandardCharsets.UTF_8)).value();
        }
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (!line.isEmpty()) {
                out.println(answerInTime((Map<?, ?>) new Json(line).value()));
                out.flush();
            }
        }
    }

    /** Some templates never end: {@code ${2147483647?lower_abc}}. */
    @SuppressWarnings("deprecation")
    static String answerInTime(Map<?, ?> given) throws InterruptedException {
        String[] answer = new String[1];
        Thread thread = new Thread(null, () -> answer[0] = answer(given), "case", STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        thread.join(LIMIT_MILLIS);
        if (thread.isAlive()) {
            thread.stop();
            return failure((String) given.get("id"), "takes too long", null, null, null, null, null);
        }
        return answer[0];
    }

    static String answer(Map<?, ?> given) {
        String id = (String) given.get("id");
        try {
            StringWriter out = new StringWriter();
            Object data = given.get("data");
            template(given).process(data == null ? shared : data, out);
            return "{\"id\":" + quote(id) + ",\"output\":" + quote(out.toString()) + "}";
        } catch (ParseException e) {
            return failure(id, e.getEditorMessage(), e.getLineNumber(), e.getColumnNumber(), e.getEndLineNumber(), e.getEndColumnNumber(), null);
        } catch (TemplateException e) {
            return failure(id, e.getMessageWithoutStackTop(), e.getLineNumber(), e.getColumnNumber(), e.getEndLineNumber(), e.getEndColumnNumber(), e.getFTLInstructionStack());
        } catch (StackOverflowError e) {
            return failure(id, "stack overflow", null, null, null, null, null);
        } catch (OutOfMemoryError e) {
            return failure(id, "out of memory", null, null, null, null, null);
        } catch (Exception e) {
            return failure(id, e.toString(), null, null, null, null, null);
        }
    }

    static Template template(Map<?, ?> given) throws Exception {
        Configuration cfg = new Configuration(version(given));
        cfg.setLocale(Locale.US);
        cfg.setTimeZone(TimeZone.getTimeZone("UTC"));
        cfg.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
        cfg.setLogTemplateExceptions(false);
        cfg.setAttemptExceptionReporter((e, env) -> { });
        cfg.setLocalizedLookup(false);
        if (given.get("settings") != null) {
            for (Map.Entry<?, ?> setting : ((Map<?, ?>) given.get("settings")).entrySet()) {
                cfg.setSetting((String) setting.getKey(), (String) setting.getValue());
            }
        }
        StringTemplateLoader loader = new StringTemplateLoader();
        String name = given.get("name") == null ? "test" : (String) given.get("name");
        if (given.get("template") != null) {
            loader.putTemplate(name, (String) given.get("template"));
        }
        if (given.get("templates") != null) {
            for (Map.Entry<?, ?> template : ((Map<?, ?>) given.get("templates")).entrySet()) {
                loader.putTemplate((String) template.getKey(), (String) template.getValue());
            }
        }
        cfg.setTemplateLoader(loader);
        return cfg.getTemplate(name);
    }

    /** Wanted before any other setting, since it decides on their defaults. */
    static freemarker.template.Version version(Map<?, ?> given) {
        Map<?, ?> settings = (Map<?, ?>) given.get("settings");
        Object version = settings == null ? null : settings.get("incompatible_improvements");
        return version == null ? Configuration.VERSION_2_3_31 : new freemarker.template.Version((String) version);
    }

    static String failure(String id, String message, Integer line, Integer column, Integer endLine, Integer endColumn, String stack) {
        return "{\"id\":" + quote(id) + ",\"error\":" + quote(String.valueOf(message)) + ",\"line\":" + line + ",\"column\":" + column
            + ",\"end_line\":" + endLine + ",\"end_column\":" + endColumn + ",\"stack\":" + (stack == null ? "null" : quote(stack)) + "}";
    }

    static String quote(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            switch (c) {
                case '"': b.append("\\\""); break;
                case '\\': b.append("\\\\"); break;
                case '\n': b.append("\\n"); break;
                case '\r': b.append("\\r"); break;
                case '\t': b.append("\\t"); break;
                default:
                    if (c < 0x20 || Character.isSurrogate(c)) b.append(String.format("\\u%04x", (int) c));
                    else b.append(c);
            }
        }
        return b.append('"').toString();
    }

    /** Reads JSON to maps that keep their order, lists, strings, booleans, and the narrowest exact numbers. */
    static final class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        Object value() {
            blanks();
            switch (text.charAt(at)) {
                case '{': return object();
                case '[': return array();
                case '"': return string();
                case 't': at += 4; return true;
                case 'f': at += 5; return false;
                case 'n': at += 4; return null;
                default: return number();
            }
        }

        private void blanks() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
        }

        private boolean ends(char end) {
            blanks();
            if (text.charAt(at) == ',') at++;
            blanks();
            if (text.charAt(at) != end) return false;
            at++;
            return true;
        }

        private Map<String, Object> object() {
            Map<String, Object> map = new LinkedHashMap<>();
            at++;
            while (!ends('}')) {
                String key = string();
                blanks();
                at++;
                map.put(key, value());
            }
            return map;
        }

        private List<Object> array() {
            List<Object> list = new ArrayList<>();
            at++;
            while (!ends(']')) list.add(value());
            return list;
        }

        private String string() {
            StringBuilder b = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c != '\\') {
                    b.append(c);
                    continue;
                }
                c = text.charAt(++at);
                int escape = "nrtbf".indexOf(c);
                if (c == 'u') {
                    b.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    b.append(escape >= 0 ? "\n\r\t\b\f".charAt(escape) : c);
                }
            }
            at++;
            return b.toString();
        }

        private Object number() {
            int start = at;
            while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
            String number = text.substring(start, at);
            if (number.contains(".") || number.contains("e") || number.contains("E")) return new BigDecimal(number);
            BigInteger whole = new BigInteger(number);
            if (whole.bitLength() < 32) return whole.intValue();
            return whole.bitLength() < 64 ? (Object) whole.longValue() : whole;
        }
    }
}
