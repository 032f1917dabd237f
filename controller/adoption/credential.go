package adoption

import (
	"context"
	"time"
)

// Credential is what the box remembers of a charger's access. It holds no secret.
type Credential struct {
	Station string `json:"station"`
	// Profile is the security profile the charger must use: 0 to 3. Target is a higher
	// one that it was told to use; 0: none. Until it came by the port of Target, both count.
	Profile int `json:"profile"`
	Target  int `json:"target,omitempty"`
	// Wanted is a higher profile that it is to be told to use as soon as it can; 0: none.
	Wanted int `json:"wanted,omitempty"`
	// Key is the hash of its key; "" for profiles without one.
	Key     string    `json:"key,omitempty"`
	KeyKind KeyKind   `json:"key_kind,omitempty"`
	KeyAt   time.Time `json:"key_at,omitzero"`
	// Unconfirmed: nobody can say whether the charger has stored Key, so what was valid
	// before is valid, too. Proven: it has come in with Key.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	Proven      bool `json:"proven,omitempty"`
	// Previous is what was valid before Key, for the charger that said it had stored Key
	// and did not. It is dead unless BreakGlass, and gone after PreviousUntil.
	Previous      Former    `json:"previous,omitzero"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	BreakGlass    bool      `json:"break_glass,omitempty"`
	// Serial is the serial number of its BootNotification, which its certificate names.
	Serial     string    `json:"serial,omitempty"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	ApprovedAt time.Time `json:"approved_at,omitzero"`
	// Basis is what the configuration said when this record went beyond it. Once the
	// configuration says something else, the configuration counts again.
	Basis Basis `json:"basis,omitzero"`
}

// KeyKind is how a key is written.
type KeyKind string

// The kinds of keys.
const (
	KeyBytes KeyKind = "bytes" // 1.6: 20 bytes, sent raw or as 40 hexadecimal digits
	KeyText  KeyKind = "text"  // 2.x: 40 characters
)

// Former is a way in that was valid before.
type Former struct {
	Kind FormerKind `json:"kind"`
	Key  string     `json:"key,omitempty"` // hash, for FormerKey
	Form KeyKind    `json:"form,omitempty"`
}

// FormerKind is what was valid before.
type FormerKind string

// The former ways in.
const (
	FormerKey           FormerKind = "key"           // another key of ours
	FormerOpen          FormerKind = "open"          // no password: an unknown charger
	FormerConfiguration FormerKind = "configuration" // the password of the configuration
)

// Basis is a charger's security in the configuration.
type Basis struct {
	Profile  int    `json:"profile"`
	Password string `json:"password,omitempty"` // hash
}

// Vault keeps credentials. It is called from any goroutine and may take its time.
type Vault interface {
	// SaveCredential replaces the charger's record; it is durable when it returns.
	SaveCredential(ctx context.Context, c Credential) error
	DeleteCredential(ctx context.Context, station string) error
	Credentials(ctx context.Context) ([]Credential, error)
}

// Charger is a charger of the configuration.
type Charger struct {
	ID       string // OCPP identity
	Profile  int
	Password string // of profiles 1 and 2: text, or the hexadecimal digits of its bytes
}
