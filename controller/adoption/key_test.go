package adoption

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestKeysFitInTheFormsOfChargers(t *testing.T) {
	for _, kind := range []KeyKind{KeyBytes, KeyText} {
		k := newKey(kind)
		stored := k.hash()
		if len(k.wire()) != 40 || strings.Contains(stored, k.wire()) || stored == k.hash() {
			t.Fatalf("%s: a key of %d characters, or a hash without salt", kind, len(k.wire()))
		}
		forms := map[string]bool{k.wire(): true, string(k.bytes): true, strings.ToLower(k.wire()): kind == KeyBytes, newKey(kind).wire(): false, "": false}
		for form, want := range forms {
			read, ok := readKey(kind, form)
			if ok {
				var err error
				if ok, err = read.fits(stored); err != nil {
					t.Error(err)
				}
			}
			if ok != want {
				t.Errorf("%s: a form of %d characters fits: %v", kind, len(form), ok)
			}
		}
		if shown := fmt.Sprintf("%v %+v %#v %s %v", k, k, k, k, slog.Any("k", k)); strings.Contains(shown, k.wire()) {
			t.Error("a key shows itself")
		}
	}
}

func TestDamagedHashFitsNothing(t *testing.T) {
	for _, stored := range []string{"", "x", "hmac-sha256$$", "hmac-sha256$AAAA$AAAA", "hmac-sha256$AAAA$A!", "pbkdf2-sha256$1$AAAA$AAAA", "other$AAAA$AAAA"} {
		if fits, err := newKey(KeyBytes).fits(stored); fits || err == nil {
			t.Errorf("%q: %v %v", stored, fits, err)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	k := newKey(KeyBytes)
	stored := k.hash()
	for b.Loop() {
		if fits, err := k.fits(stored); !fits || err != nil {
			b.Fatal(err)
		}
	}
}
