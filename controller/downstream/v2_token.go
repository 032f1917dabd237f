package downstream

import (
	"strings"
	"unicode/utf8"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// anonymous is the token of a transaction that the charger lets nobody identify for
// (NoAuthorization): it comes without a name, and a bill needs one.
const anonymous = "unauthorized"

// tokenOf reads an idToken; false if it names nobody. Its additional info is not
// judged here.
func tokenOf(t ocpp2.IDToken) (controller.IDToken, bool) {
	out := controller.IDToken{Value: strings.TrimSpace(t.IDToken), Type: controller.TokenType(t.Type)}
	if out.Value == "" && says(t.Type, ocpp2.IDTokenEnumNoAuthorization) {
		out.Value = anonymous
	}
	return out, out.Value != ""
}

// maxGroup is how long a group's id may be in 2.0.1; 2.1 has more room, 1.6 less.
const maxGroup = 36

// tokenInfo is what a charger may know of a token.
func tokenInfo(info controller.TokenInfo) ocpp2.IDTokenInfo {
	out := ocpp2.IDTokenInfo{Status: ocpp2.AuthorizationStatus(info.Status)}
	if !out.Status.Known() {
		out.Status = ocpp2.AuthorizationStatusInvalid
	}
	if info.Parent != "" && utf8.RuneCountInString(info.Parent) <= maxGroup {
		out.GroupIDToken = &ocpp2.IDToken{IDToken: info.Parent, Type: ocpp2.IDTokenEnumCentral} // C09.FR.13
	}
	if !info.Expiry.IsZero() {
		out.CacheExpiryDateTime = new(ocpp.NewDateTime(info.Expiry))
	}
	return out
}

// idToken is a token as a charger is told of it. What came without a type, from a
// cloud of 1.6 or from the page, gets the one that a reader of such a card would name,
// so that the charger knows it again (ocpp-gateway 5.3).
func idToken(t controller.IDToken) ocpp2.IDToken {
	kind := ocpp2.IDTokenEnum(t.Type)
	if !kind.Known() {
		kind = typeOf(t.Value)
	}
	return ocpp2.IDToken{IDToken: t.Value, Type: kind}
}

func typeOf(value string) ocpp2.IDTokenEnum {
	hex := strings.Trim(strings.ToUpper(value), "0123456789ABCDEF") == ""
	switch n := len(value); {
	case hex && (n == 8 || n == 14 || n == 20):
		return ocpp2.IDTokenEnumISO14443
	case hex && n == 16 && strings.HasPrefix(strings.ToUpper(value), "E0"):
		return ocpp2.IDTokenEnumISO15693
	}
	return ocpp2.IDTokenEnumCentral
}
