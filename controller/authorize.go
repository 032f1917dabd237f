package controller

import "time"

// authorizeWithin is how long a charger's Authorize waits for the cloud (U in the
// gateway rules).
const authorizeWithin = 5 * time.Second

// ask is a question to the cloud.
type ask struct {
	deadline time.Time
	token    IDToken
	then     func(TokenInfo, string)
}

// lookup is a question to the journal.
type lookup struct {
	token func(*TokenRow)
	tx    func(*TxRow)
}

func (s *Site) authorizeAsked(ev AuthorizeAsked) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, AuthorizeAnswer{Info: TokenInfo{Status: TokenInvalid}})
		return
	}
	st.lastHeard = s.now
	// The token that started may stop, whatever the cloud says (6.6 order 1).
	for _, sl := range st.slots {
		if sl.tx != nil && sl.tx.row.Token.Same(ev.Token) {
			info := TokenInfo{Status: TokenAccepted}
			if told := sl.tx.answered; told != nil {
				info.Parent = told.Parent // a charger compares groups before it lets another token stop
			}
			s.answer(ev.Reply, AuthorizeAnswer{Info: info})
			return
		}
	}
	reply := ev.Reply
	s.decide(ev.Token, 0, func(info TokenInfo, rule string) {
		for _, sl := range st.slots {
			sl.lastRule, sl.lastToken = rule, ev.Token
			if info.Status == TokenAccepted && sl.tx == nil && (sl.plugged() || len(st.slots) == 1) {
				sl.expectStart(s.now)
				s.passDue = true
			}
		}
		s.answer(reply, AuthorizeAnswer{Info: info})
	})
}

// startRule is the rule under which a token was let in, for the transaction's record.
func (s *Site) startRule(sl *slot, token IDToken) string {
	switch {
	case sl.pending != nil && sl.pending.token.Same(token):
		return "remote-start"
	case sl.lastToken.Same(token) && sl.lastToken.Value != "":
		return sl.lastRule
	}
	return "charger"
}

// decide asks the cloud when it is there, else the box's own knowledge (6.6).
func (s *Site) decide(token IDToken, at Slot, then func(TokenInfo, string)) {
	if s.uplink.state != UplinkAccepted {
		s.decideLocally(token, then)
		return
	}
	s.nextAsk++
	a := &ask{deadline: s.now.Add(authorizeWithin), token: token, then: then}
	s.asks[s.nextAsk] = a
	s.wake(a.deadline)
	s.do(AskToken{Ask: s.nextAsk, Token: token, Slot: at, Within: authorizeWithin})
}

func (s *Site) tokenAnswered(ev TokenAnswered) {
	a := s.asks[ev.Ask]
	if a == nil {
		return // its time was up; the local rules have answered
	}
	delete(s.asks, ev.Ask)
	if !ev.OK {
		s.decideLocally(a.token, a.then)
		return
	}
	s.remember(a.token, ev.Info)
	a.then(ev.Info, "cloud")
}

// decideLocally judges without the cloud: the cache, then the site's policy.
func (s *Site) decideLocally(token IDToken, then func(TokenInfo, string)) {
	if s.uplink.state == UplinkOff {
		then(policy(s.cfg.Layout.UnknownAccepted), "site-policy")
		return
	}
	s.lookupToken(token, func(row *TokenRow) {
		switch {
		case row == nil || s.settings[SettingCacheEnabled] != "true" || s.settings[SettingLocalAuthorizeOffline] != "true":
			then(policy(s.cfg.Layout.OfflineUnknownAccepted || s.settings[SettingAllowOfflineUnknown] == "true"), "offline-unknown")
		case !row.Info.Expiry.IsZero() && !s.now.Before(row.Info.Expiry):
			then(TokenInfo{Status: TokenExpired, Parent: row.Info.Parent}, "cache")
		default:
			then(row.Info, "cache")
		}
	})
}

func policy(accept bool) TokenInfo {
	if accept {
		return TokenInfo{Status: TokenAccepted}
	}
	return TokenInfo{Status: TokenInvalid}
}

// remember keeps what the cloud said of a token.
func (s *Site) remember(token IDToken, info TokenInfo) {
	if s.settings[SettingCacheEnabled] == "true" {
		s.persist(nil, TokenRow{Token: token, Info: info, Updated: s.now})
	}
}

func (s *Site) lookupToken(token IDToken, then func(*TokenRow)) {
	s.nextAsk++
	s.lookups[s.nextAsk] = &lookup{token: then}
	s.do(LookupToken{Lookup: s.nextAsk, Token: token})
}

func (s *Site) lookupTx(id TxID, then func(*TxRow)) {
	s.nextAsk++
	s.lookups[s.nextAsk] = &lookup{tx: then}
	s.do(LookupTx{Lookup: s.nextAsk, Tx: id})
}

func (s *Site) found(ev Found) {
	l := s.lookups[ev.Lookup]
	if l == nil {
		return
	}
	delete(s.lookups, ev.Lookup)
	if l.token != nil {
		l.token(ev.Token)
		return
	}
	l.tx(ev.Tx)
}

func (s *Site) cacheCleared(ev CacheCleared) {
	if s.settings[SettingCacheEnabled] != "true" {
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: "the cache is switched off"})
		return
	}
	reply := ev.Reply
	s.persist(func() { s.answer(reply, CommandAnswer{Status: "Accepted"}) }, ClearTokensRow{})
}
