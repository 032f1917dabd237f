package adoption

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
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

// The hash of a key: "hmac-sha256$SALT$MAC", the MAC keyed with the salt. It is fast on
// purpose. A slow hash such as argon2id makes up for what people choose; a key has 160
// random bits or more, which nobody can try however fast the hash is, so a whole site that
// comes back at once costs microseconds, and wrong keys can't take the time of the
// control loop. The password that the configuration has for a charger is hashed the same
// way, only to see whether it has changed: a slow hash of each would take seconds of every
// start, to guard what a key has replaced.
const (
	keyHash   = "hmac-sha256"
	saltBytes = 16
)

// hash is the salted form that is stored.
func (s secret) hash() string {
	salt, enc := make([]byte, saltBytes), base64.RawStdEncoding
	rand.Read(salt)
	return keyHash + "$" + enc.EncodeToString(salt) + "$" + enc.EncodeToString(s.mac(salt))
}

func (s secret) mac(salt []byte) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write(s.bytes)
	return h.Sum(nil)
}

// fits compares with a stored hash, in constant time.
func (s secret) fits(stored string) (bool, error) {
	part := strings.Split(stored, "$")
	if len(part) != 3 || part[0] != keyHash {
		return false, errors.New("cannot compare a key: its stored hash is of an unknown form")
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[1])
	want, err2 := base64.RawStdEncoding.DecodeString(part[2])
	if err = errors.Join(err, err2); err != nil || len(salt) == 0 || len(want) != sha256.Size {
		return false, errors.New("cannot compare a key: its stored hash is damaged")
	}
	return hmac.Equal(s.mac(salt), want), nil
}
