import freemarker.template.Configuration;
import freemarker.template.DefaultObjectWrapper;
import freemarker.template.Template;
import freemarker.template.TemplateExceptionHandler;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/**
 * Runs one piece of work on Apache FreeMarker, as asked on the standard input.
 *
 * <p>Arguments: the folder of the inputs, the template's name, and the work: {@code render}, {@code parse-render} or
 * {@code compile}. {@code output FILE} writes what is rendered, {@code measure MILLISECONDS} answers with nanoseconds of
 * this thread's CPU time per run: the collector's threads and the compiler's aren't counted.
 */
public final class FtlBench {
    private interface Work {
        void run() throws Exception;
    }

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Configuration configuration = configuration();
    private final String source;
    private final byte[] event;
    private final Object parameters;
    private final Map<String, String> mappedProperties = new LinkedHashMap<>();
    private final Map<String, String> mappedFields = new LinkedHashMap<>();
    private final Template template;
    private final Output output = new Output();
    private byte[] bytes;

    private FtlBench(Path folder, String name) throws IOException {
        source = new String(Files.readAllBytes(folder.resolve(name + ".ftl")), StandardCharsets.UTF_8);
        event = Files.readAllBytes(folder.resolve("event.json"));
        parameters = JsonTree.parse(Files.readAllBytes(folder.resolve("parameters.json")));
        readMapping(folder.resolve("properties.txt"), mappedProperties);
        readMapping(folder.resolve("fields.txt"), mappedFields);
        template = compile();
    }

    private static Configuration configuration() {
        Configuration configuration = new Configuration(Configuration.VERSION_2_3_31);
        configuration.setObjectWrapper(new DefaultObjectWrapper(Configuration.VERSION_2_3_31));
        configuration.setLocale(Locale.US);
        configuration.setTimeZone(TimeZone.getTimeZone("UTC"));
        configuration.setNumberFormat("computer");
        configuration.setBooleanFormat("c");
        configuration.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
        configuration.setLogTemplateExceptions(false);
        return configuration;
    }

    /** Lines of a name, a blank, and the field of the event that it stands for. */
    private static void readMapping(Path file, Map<String, String> mapping) throws IOException {
        for (String line : Files.readAllLines(file)) {
            String[] words = line.split(" ");
            mapping.put(words[0], words[1]);
        }
    }

    private Template compile() throws IOException {
        return new Template("bench", new StringReader(source), configuration);
    }

    private Map<String, Object> data(Object input) {
        Map<?, ?> fields = (Map<?, ?>) input;
        Map<String, Object> data = new HashMap<>();
        data.put("input", input);
        data.put("parameters", parameters);
        data.put("mappedProperties", mapped(mappedProperties, fields));
        data.put("mappedFields", mapped(mappedFields, fields));
        return data;
    }

    private static Map<String, Object> mapped(Map<String, String> mapping, Map<?, ?> fields) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Map.Entry<String, String> entry : mapping.entrySet()) {
            values.put(entry.getKey(), fields.get(entry.getValue()));
        }
        return values;
    }

    private void render(Map<String, Object> data) throws Exception {
        output.text.setLength(0);
        template.process(data, output);
        bytes = output.text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private Work work(String name) throws IOException {
        switch (name) {
            case "render": {
                Map<String, Object> data = data(JsonTree.parse(event));
                return () -> render(data);
            }
            case "parse-render":
                return () -> render(data(JsonTree.parse(event)));
            case "compile":
                return this::compile;
            default:
                throw new IllegalArgumentException(name);
        }
    }

    private static double nanosPerRun(Work work, long millis) throws Exception {
        long budget = millis * 1_000_000;
        long start = THREADS.getCurrentThreadCpuTime();
        long runs = 0;
        long batch = 1;
        while (true) {
            for (long i = 0; i < batch; i++) {
                work.run();
            }
            runs += batch;
            long used = THREADS.getCurrentThreadCpuTime() - start;
            if (used >= budget) {
                return (double) used / runs;
            }
            if (used < budget / 16) {
                batch *= 2;
            }
        }
    }

    public static void main(String[] args) throws Exception {
        FtlBench bench = new FtlBench(Paths.get(args[0]), args[1]);
        Work work = bench.work(args[2]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ", 2);
            if (words[0].equals("output")) {
                bench.render(bench.data(JsonTree.parse(bench.event)));
                Files.write(Paths.get(words[1]), bench.bytes);
                System.out.println("written");
            } else {
                System.out.println(nanosPerRun(work, Long.parseLong(words[1])));
            }
        }
    }

    /** A writer to memory without StringWriter's locks. */
    private static final class Output extends Writer {
        final StringBuilder text = new StringBuilder();

        @Override
        public void write(int character) {
            text.append((char) character);
        }

        @Override
        public void write(char[] characters, int from, int length) {
            text.append(characters, from, length);
        }

        @Override
        public void write(String part) {
            text.append(part);
        }

        @Override
        public void write(String part, int from, int length) {
            text.append(part, from, from + length);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
