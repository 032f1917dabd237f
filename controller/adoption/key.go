package adoption

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

// secret is a key in clear. It shows itself nowhere but where reveal is called.
type secret struct {
	kind  KeyKind
	bytes []byte
}

func (s secret) String() string       { return "(redacted)" }
func (s secret) GoString() string     { return "(redacted)" }
func (s secret) LogValue() slog.Value { return slog.StringValue("(redacted)") }

// wire is the key as it is sent to the charger.
func (s secret) wire() string {
	if s.kind == KeyBytes {
		return strings.ToUpper(hex.EncodeToString(s.bytes))
	}
	return string(s.bytes)
}

const (
	keyBytes = 20 // 1.6 AuthorizationKey: the 2015 document wants exactly these
	keyChars = 40 // 2.0.1 BasicAuthPassword: every charger takes 40
)

// newKey draws a key.
func newKey(kind KeyKind) secret {
	if kind == KeyBytes {
		b := make([]byte, keyBytes)
		rand.Read(b)
		return secret{kind, b}
	}
	// Letters A to Z and digits 2 to 7: 200 bits, and nothing that a charger could
	// misread or has to escape.
	return secret{kind, []byte((rand.Text() + rand.Text())[:keyChars])}
}

// readKey is the key that a password on the wire stands for; false if it can be none.
// Chargers of 1.6 send the bytes or their digits, in any case.
func readKey(kind KeyKind, given string) (secret, bool) {
	switch {
	case kind == KeyBytes && len(given) == keyBytes:
		return secret{kind, []byte(given)}, true
	case kind == KeyBytes && len(given) == 2*keyBytes:
		b, err := hex.DecodeString(given)
		return secret{kind, b}, err == nil
	case kind == KeyText && len(given) == keyChars:
		return secret{kind, []byte(given)}, true
	}
	return secret{}, false
}

// The hash of a key: "pbkdf2-sha256$ITERATIONS$SALT$HASH". The key has 160 random bits,
// which no number of iterations has to make up for; a few thousand keep the form that
// is usual for passwords and cost a small box some milliseconds.
const (
	hashName       = "pbkdf2-sha256"
	hashIterations = 20_000
	maxIterations  = 2_000_000
	saltBytes      = 16
)

// hash is the salted form that is stored.
func (s secret) hash() string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum, err := pbkdf2.Key(sha256.New, string(s.bytes), salt, hashIterations, sha256.Size)
	if err != nil {
		panic("adoption: a key can't be hashed: " + err.Error()) // only of wrong sizes
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", hashName, hashIterations, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// fits compares with a stored hash.
func (s secret) fits(stored string) (bool, error) {
	part := strings.Split(stored, "$")
	if len(part) != 4 || part[0] != hashName {
		return false, errors.New("cannot compare a key: its stored hash is of an unknown form")
	}
	n, err := strconv.Atoi(part[1])
	salt, err2 := base64.RawStdEncoding.DecodeString(part[2])
	want, err3 := base64.RawStdEncoding.DecodeString(part[3])
	if err = errors.Join(err, err2, err3); err != nil || n < 1 || n > maxIterations || len(want) != sha256.Size {
		return false, errors.New("cannot compare a key: its stored hash is damaged")
	}
	got, err := pbkdf2.Key(sha256.New, string(s.bytes), salt, n, len(want))
	if err != nil {
		return false, fmt.Errorf("cannot compare a key: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// verifier compares keys with hashes: two at once at most, so that a wrong key can't
// starve the control loop, and what fitted once fits at once the next time.
type verifier struct {
	slots chan struct{}
	own   []byte // key of the cache, of this process only

	mu     sync.Mutex
	fitted map[string][sha256.Size]byte // by stored hash
}

// maxFitted bounds the cache; a site has fewer keys.
const maxFitted = 2048

func newVerifier() *verifier {
	own := make([]byte, 32)
	rand.Read(own)
	return &verifier{slots: make(chan struct{}, 2), own: own, fitted: map[string][sha256.Size]byte{}}
}

// fits tells whether the key fits the stored hash.
func (v *verifier) fits(s secret, stored string) (bool, error) {
	mac := v.mac(s, stored)
	v.mu.Lock()
	known, ok := v.fitted[stored]
	v.mu.Unlock()
	if ok && subtle.ConstantTimeCompare(known[:], mac[:]) == 1 {
		return true, nil
	}
	v.slots <- struct{}{}
	defer func() { <-v.slots }()
	fits, err := s.fits(stored)
	if fits {
		v.remember(stored, mac)
	}
	return fits, err
}

func (v *verifier) mac(s secret, stored string) [sha256.Size]byte {
	h := hmac.New(sha256.New, v.own)
	h.Write([]byte(stored))
	h.Write([]byte{0})
	h.Write(s.bytes)
	return [sha256.Size]byte(h.Sum(nil))
}

func (v *verifier) remember(stored string, mac [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.fitted) >= maxFitted {
		clear(v.fitted)
	}
	v.fitted[stored] = mac
}
