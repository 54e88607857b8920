import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.TreeSet;

/**
 * Writes what a character set of one byte a character has from 0x80 on, two lines each: its names, and 128 code points
 * ({@code =} for that of the byte's own number, {@code -} for none). The argument is the file.
 */
public class CharsetData {
    static final String[] NAMES = {
        "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9",
        "ISO-8859-13", "ISO-8859-15", "ISO-8859-16", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
        "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "KOI8-R", "KOI8-U", "IBM437",
        "IBM850", "IBM852", "IBM866"
    };

    public static void main(String[] args) throws Exception {
        try (PrintStream out = new PrintStream(args[0], "UTF-8")) {
            for (String name : NAMES) {
                Charset charset = Charset.forName(name);
                out.print(charset.name());
                for (String alias : new TreeSet<>(charset.aliases())) {
                    out.print(" " + alias);
                }
                out.print("\n" + upperHalf(charset) + "\n");
            }
        }
    }

    static String upperHalf(Charset charset) {
        String[] half = new String[128];
        Arrays.fill(half, "-");
        CharsetEncoder encoder = charset.newEncoder();
        for (char c = 0x80; c < 0xffff; c++) {
            if (!Character.isSurrogate(c) && encoder.canEncode(c)) {
                int at = (String.valueOf(c).getBytes(charset)[0] & 0xff) - 0x80;
                half[at] = c == at + 0x80 ? "=" : Integer.toHexString(c);
            }
        }
        return String.join(" ", half);
    }
}
