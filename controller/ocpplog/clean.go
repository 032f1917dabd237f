package ocpplog

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"busbar/ocpp"
)

// hidden stands in the place of a secret.
const hidden = "•••"

// cleaner takes secrets out of messages. What has none keeps its bytes.
type cleaner struct{ showTokens bool }

// call cleans all texts of a call.
func (c cleaner) call(l *Call) {
	l.Payload = c.message(l.Payload)
	l.Result = c.message(l.Result)
	if l.Error != nil {
		e := *l.Error // the entry's own stays as it is
		e.Description, e.Details = c.text(e.Description), c.message(e.Details)
		l.Error = &e
	}
	l.Note = c.text(l.Note)
}

func (c cleaner) message(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if !json.Valid(raw) {
		return quoted(hidden + " (not JSON)")
	}
	return c.value(raw, place{})
}

// place is where a value stands.
type place struct {
	member  string // name of the member, plain
	secret  bool   // its object is about a secret: values in it are hidden
	network bool   // inside the settings of a private network
}

// value cleans one JSON value.
func (c cleaner) value(raw json.RawMessage, at place) json.RawMessage {
	raw = trim(raw)
	switch raw[0] {
	case '{':
		return c.object(raw, at)
	case '[':
		return c.list(raw, at)
	case '"':
		return c.str(raw, at)
	}
	if c.isSecret(at) {
		return quoted(hidden) // a PIN may be a number
	}
	return raw
}

func trim(raw json.RawMessage) json.RawMessage { return []byte(strings.TrimSpace(string(raw))) }

func (c cleaner) object(raw json.RawMessage, at place) json.RawMessage {
	o, err := ocpp.ParseObject(raw)
	if err != nil {
		return quoted(hidden + " (" + err.Error() + ")") // which of two members of one name would a reader see?
	}
	inside := place{secret: at.secret || c.aboutSecret(&o), network: at.network || at.member == "vpn" || at.member == "apn"}
	if secretName(at.member) {
		return quoted(hidden)
	}
	for _, name := range o.Keys() {
		value, _ := o.Get(name)
		inside.member = plain(name)
		if clean := c.value(value, inside); string(clean) != string(value) {
			o.Set(name, clean)
		}
	}
	return o.Raw()
}

// aboutSecret tells whether an object names a secret whose value stands beside the
// name: {"key":"AuthorizationKey","value":…} of 1.6, {"variable":{"name":…},…} of 2.x.
func (c cleaner) aboutSecret(o *ocpp.Object) bool {
	for _, member := range o.Keys() {
		raw, _ := o.Get(member)
		switch plain(member) {
		case "key", "name", "configurationkey":
			var name string
			if json.Unmarshal(raw, &name) == nil && secretName(plain(name)) {
				return true
			}
		case "variable":
			if v, err := ocpp.ParseObject(raw); err == nil && c.aboutSecret(&v) {
				return true
			}
		}
	}
	return false
}

func (c cleaner) list(raw json.RawMessage, at place) json.RawMessage {
	items, err := ocpp.RawArray(raw)
	if err != nil {
		return quoted(hidden)
	}
	changed := false
	for i, item := range items {
		clean := c.value(item, at)
		changed = changed || string(clean) != string(trim(item))
		items[i] = clean
	}
	if !changed {
		return raw
	}
	out := []byte{'['}
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, ']')
}

func (c cleaner) str(raw json.RawMessage, at place) json.RawMessage {
	var s string
	if json.Unmarshal(raw, &s) != nil || c.isSecret(at) {
		return quoted(hidden)
	}
	clean := s
	switch {
	case tokenName(at.member):
		if !c.showTokens {
			clean = masked(s)
		}
	default:
		clean = c.text(s)
	}
	if clean == s {
		return raw
	}
	return quoted(clean)
}

// isSecret tells whether the scalar at a place is to be hidden.
func (c cleaner) isSecret(at place) bool {
	if secretName(at.member) || at.network && (at.member == "key" || at.member == "user" || at.member == "pin") {
		return true
	}
	return at.secret && (at.member == "value" || at.member == "attributevalue" || at.member == "actualvalue")
}

// plain is a name without case and signs: "basic_auth-Password" is basicauthpassword.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

// secretName tells whether a name, plain, is that of a secret.
func secretName(name string) bool {
	switch name {
	case "pwd", "psk", "pin", "credentials":
		return true
	}
	for _, part := range []string{"password", "passwd", "passphrase", "authorizationkey", "authkey", "privatekey", "secret", "apikey", "accesskey", "sharedkey", "simpin", "psk", "pincode", "accesstoken", "authtoken", "bearertoken"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// tokenName tells whether a member, plain, holds what a driver identifies with.
func tokenName(name string) bool {
	switch name {
	case "idtag", "parentidtag", "idtoken", "additionalidtoken", "groupidtoken", "emaid", "evccid", "masterpassgroupid":
		return true
	}
	return false
}

// masked leaves the end of a token, enough to find a card again.
func masked(s string) string {
	if n := utf8.RuneCountInString(s); n <= 4 {
		return strings.Repeat("•", n)
	}
	runes := []rune(s)
	return hidden + string(runes[len(runes)-4:])
}

func quoted(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("ocpplog: a string can't be written as JSON: " + err.Error())
	}
	return raw
}

// What secrets look like in texts.
var (
	pemKey    = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)
	userinfo  = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://)[^/\s@"]+@`)
	assigned  = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|authorizationkey|privatekey|private_key|apikey|api_key|signature|sig|token)["']?\s*[=:]\s*["']?)[^\s"',;&}]+`)
	tokenText = regexp.MustCompile(`(?i)((?:idtag|idtoken)["']?\s*[=:]\s*["']?)([^\s"',;&}]+)`)
)

// text cleans what people or devices wrote: addresses with passwords, keys in PEM,
// "password=…", and JSON inside a string (DataTransfer).
func (c cleaner) text(s string) string {
	if inner := strings.TrimSpace(s); len(inner) > 1 && (inner[0] == '{' || inner[0] == '[') && json.Valid([]byte(inner)) {
		if clean := string(c.value([]byte(inner), place{})); clean != inner {
			return clean
		}
		return s
	}
	s = pemKey.ReplaceAllString(s, hidden)
	s = userinfo.ReplaceAllString(s, "${1}"+hidden+"@")
	s = assigned.ReplaceAllStringFunc(s, func(m string) string {
		if at := tokenText.FindStringSubmatchIndex(m); at != nil {
			if c.showTokens {
				return m
			}
			return m[:at[4]] + masked(m[at[4]:])
		}
		return assigned.FindStringSubmatch(m)[1] + hidden
	})
	if c.showTokens {
		return s
	}
	return tokenText.ReplaceAllStringFunc(s, func(m string) string {
		at := tokenText.FindStringSubmatchIndex(m)
		if strings.HasPrefix(m[at[4]:], hidden) {
			return m
		}
		return m[:at[4]] + masked(m[at[4]:])
	})
}
