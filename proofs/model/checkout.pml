/*
 * The protocol of one checkout, which `spin` explores completely: workers, the database, the gateway, time.
 *
 * Each atomic block is one commit, or one event at the gateway or in a worker's memory; its comment names the function
 * in src/. Workers may die between any two blocks, be replaced while alive, freeze, and wake up. Requests may be
 * executed long after the caller's timeout, or never, and answers may be lost; a lookup may miss an existing operation.
 * None of this is bounded. Bounded are: one checkout, WORKERS at a time, VOIDS attempts to void and REFUNDS to refund.
 * docs/decisions/0008-a-model-beside-the-code.md lists what is left out.
 *
 * Switches, all off by default. Features: LATER (capture later), ACTION (the gateway does not finish at once), BY_HAND
 * (a person captures in the gateway's console), REFUND (orders are refunded), FORGET (the gateway forgets keys),
 * NUMBERED (epochs and versions as numbers). The switches that remove a defence are in proofs/model/variants.ts. `go(from, to)` is an edge of `edges` in packages/holdfast/src/domain/states.ts; a test compares the two.
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef VOIDS
#define VOIDS 2
#endif
#ifndef REFUNDS
#define REFUNDS 2
#endif

/* packages/holdfast/src/domain/states.ts: the resting and the passing states, and `start`: there is no checkout yet. */
mtype:state = {
  start, pending, validating, reserving, locking_prices, authorizing, awaiting_action, creating_order, capturing,
  awaiting_capture, committing, rolling_back, completed, failed
}

/* Statuses of operations, and answers of the gateway. `not_executed` is treated as `unknown`: neither is definite. */
mtype = { absent, intended, succeeded, declined, already_captured, action_required, in_process, unknown }
/* A payment at the gateway. */
mtype = { unseen, waits_for_buyer, waits_for_bank, authorized, captured, voided, refused }
mtype = { no_hold, held, firm, committed, released }
mtype = { no_order, order_pending, order_paid, order_refunded, order_cancelled }

/* Idempotency keys: `checkout:kind:attempt` (idempotencyKey in payments/operations.ts). */
#define AUTHORIZE 0
#define CAPTURE 1
#define VOID(attempt) (1 + attempt)
#define REFUND_(attempt) (1 + VOIDS + attempt)
/* A key that a retry invented; only if keys are not derived. */
#define MADE_UP (2 + VOIDS + REFUNDS)
#define KEYS (3 + VOIDS + REFUNDS)
#define NOTHING 255
#define is_capture(request) (request == CAPTURE || request == MADE_UP)
#define is_void(request) (request >= VOID(1) && request <= VOID(VOIDS))
#define is_refund(request) (request >= REFUND_(1) && request <= REFUND_(REFUNDS))
#ifdef RANDOM_KEY
#define again(request) (request == CAPTURE -> MADE_UP : request)
#else
#define again(request) request
#endif

/* The database: the row of `checkouts`, its operations, its order, its holds. */
mtype:state state = start
bool expired              /* expires_at has passed */
bool wakes                /* wake_at is set: a worker will process it again */
mtype op_authorize = absent
mtype op_capture = absent
mtype op_void = absent    /* the latest attempt, which is number `voids` */
mtype op_refund = absent  /* the latest attempt, which is number `refunds` */
byte voids
byte refunds
mtype order = no_order
mtype stock = no_hold

/*
 * `isCurrent` in saga/lease.ts compares epoch and version only for equality, and they only rise, so one bit per worker
 * represents them. True: the lease of the worker still equals the row. With NUMBERED the numbers themselves exist,
 * `check` compares both representations, and epochs end at EPOCHS.
 */
bool holds[WORKERS]
#if WORKERS == 3
#define drop_leases() holds[0] = false; holds[1] = false; holds[2] = false
#define is_leased (holds[0] || holds[1] || holds[2])
#define is_asked(request) (asks[0] == request || asks[1] == request || asks[2] == request)
#else
#define drop_leases() holds[0] = false; holds[1] = false
#define is_leased (holds[0] || holds[1])
#define is_asked(request) (asks[0] == request || asks[1] == request)
#endif

#ifdef NUMBERED
#ifndef EPOCHS
#define EPOCHS 4
#endif
byte epoch
byte version
byte claimed_epoch[WORKERS]
byte claimed_version[WORKERS]
#define is_the_row_of(worker) (claimed_epoch[worker] == epoch && claimed_version[worker] == version)
#define may_raise (epoch < EPOCHS)
#define raise_version version++
#define raise_epoch() epoch++
#define remember_row() claimed_epoch[me] = epoch; claimed_version[me] = version
#define forget_row() claimed_epoch[me] = 0; claimed_version[me] = 0
#else
#define may_raise true
#define raise_version skip
#define raise_epoch() skip
#define remember_row() skip
#define forget_row() skip
#endif

/* The gateway, and the requests in transit to it: once sent, a request may arrive at any time. */
mtype payment = unseen
byte captures
byte paid_back
mtype answer[KEYS] = absent
bool sent[KEYS]
/* The key of each worker's current call; NOTHING: no call. */
byte asks[WORKERS] = NOTHING
#define key asks[me]
#ifdef FORGET
/* The key is older than the gateway's memory (`lease.ageMs > keyMemoryMs`). */
bool aged[KEYS]
#define is_aged(request) aged[request]
/* isLimitedByGateway in saga/call-gateway.ts: a capture and a whole refund are repeated, because the gateway executes neither twice. */
#define is_over_age (aged[key] && key == AUTHORIZE)
#define may_age(request) (!aged[request] && !sent[request] && !is_asked(request))
/* A lookup finds the state of the payment, even if the key is forgotten. */
#define was_there(request) (aged[request] && (is_capture(request) && captures > 0 || is_refund(request) && paid_back > 0))
#else
#define is_aged(request) false
#define is_over_age false
#define was_there(request) false
#endif

/* Faults have ended: from here on no worker dies or is replaced while alive, and the gateway answers. */
bool calm

/* The names of the properties, always false, so that `pan` prints the name with the assertion. */
bit A2, A4, A6, A7, A11, B2, B3, BOUND

/* A7: one edge of the history. The constraint `edge_is_legal` refuses all edges except those below. */
#ifdef ANY_STATE
#define go(from, to) state = to
#else
#define go(from, to) assert(A7 || state == from); state = to; raise_version
#endif

#define money_is_out (captures > paid_back)
#ifdef NOT_FIRM
#define is_kept (stock == held || stock == committed)
#else
#define is_kept (stock == firm || stock == committed)
#endif
#define is_open (payment == authorized || payment == waits_for_buyer || payment == waits_for_bank)
#define is_final (state == completed || state == failed)

/* Checked after each commit and each effect at the gateway. */
inline check()
{
  assert(A2 || captures <= 1 && paid_back <= captures);
  assert(A6 || !money_is_out || is_kept);
#ifdef NUMBERED
  assert(A7 || holds[0] == is_the_row_of(0) && holds[1] == is_the_row_of(1));
  assert(A7 || claimed_epoch[0] <= epoch && claimed_epoch[1] <= epoch);
#endif
  assert(A11 || is_final || wakes);
  assert(B2 || state != completed ||
    captures == 1 && stock == committed && op_capture == succeeded &&
       (order == order_paid || order == order_refunded && paid_back == 1));
  assert(B2 || state == completed || order != order_paid && order != order_refunded && stock != committed);
  assert(B3 || state != failed ||
    !money_is_out && !is_open && (stock == no_hold || stock == released) &&
       (order == no_order || order == order_cancelled))
}

/* ---------------------------------------------------------------- the gateway */

/*
 * The effect of a request when it arrives (payments/sandbox/decide.ts). One key is executed once.
 * A4 is asserted at each effect: the intent of the key must have been committed.
 */
inline execute(request)
{
  sent[request] = false;
  if
  :: request == AUTHORIZE && payment == unseen ->
    assert(A4 || op_authorize != absent);
    if
    :: payment = authorized
    :: payment = refused
#ifdef ACTION
    :: payment = waits_for_buyer
    :: payment = waits_for_bank
#endif
    fi
  :: is_capture(request) && answer[request] == absent ->
    if
    :: payment == authorized ->
      if
      :: assert(A4 || op_capture != absent); payment = captured; captures++; answer[request] = succeeded
      :: answer[request] = declined
      fi
#if defined(RANDOM_KEY) || defined(CAPTURES_AGAIN)
    /* A gateway that captures again for each unknown key. */
    :: payment == captured -> captures++; answer[request] = succeeded
#else
    :: payment == captured -> answer[request] = already_captured
#endif
    :: payment == voided || payment == refused || payment == unseen -> answer[request] = declined
    fi
  :: is_void(request) && answer[request] == absent ->
    assert(A4 || op_void != absent && voids >= request - VOID(0));
    if
    :: payment == captured -> answer[request] = already_captured
    :: payment == unseen ->
#ifndef NO_FENCE
      payment = voided;
#endif
      answer[request] = succeeded
    :: payment == voided || payment == refused -> answer[request] = succeeded
    :: is_open -> payment = voided; answer[request] = succeeded
    /* Refused for an unknown reason. */
    :: is_open && request < VOID(VOIDS) && !calm -> answer[request] = declined
    fi
  :: is_refund(request) && answer[request] == absent ->
    assert(A4 || op_refund != absent && refunds >= request - REFUND_(0));
    if
    :: payment == captured && paid_back < captures -> paid_back++; answer[request] = succeeded
    /* Refunds never exceed the captured amount. */
    :: payment == captured && paid_back >= captures -> answer[request] = declined
    :: request < REFUND_(REFUNDS) && !calm -> answer[request] = declined
    fi
  :: else
  fi;
  check()
}

/* The true state, which a lookup may miss. */
#define is_there(request) (request == AUTHORIZE && payment != unseen || request != AUTHORIZE && answer[request] != absent || was_there(request))

/* The answer to a key in the current state of its payment (authorizationAnswer, earlierAnswer in payments/sandbox/answers.ts). */
inline read_answer()
{
  if
  :: was_there(key) -> outcome = succeeded
  :: !was_there(key) && key != AUTHORIZE -> outcome = answer[key]
  :: key == AUTHORIZE && (payment == authorized || payment == captured) -> outcome = succeeded
  :: key == AUTHORIZE && (payment == voided || payment == refused) -> outcome = declined
#ifdef ACTION
  :: key == AUTHORIZE && payment == waits_for_buyer -> outcome = action_required
  :: key == AUTHORIZE && payment == waits_for_bank -> outcome = in_process
#endif
  fi
}

/* The answer to a request sent now. If the key is forgotten, a refusal may only mean that it was executed before. */
inline receive_answer()
{
  if
  :: was_there(key) && answer[key] != succeeded -> outcome = unknown
  :: else -> read_answer()
  fi
}

/* ---------------------------------------------------------------- commits */

/* changeRows in database/checkouts.ts: leases of other workers are no longer current; the lease of this worker is. */
inline leased() { drop_leases(); holds[me] = true; remember_row() }

/* leaseRows in saga/steps/take-over.ts raises the epoch and sets the lease. */
inline take() { raise_epoch(); leased(); wakes = true }

/* Without a result: the lease is released and a wake time set. Neither epoch nor version changes. */
inline rest() { wakes = true; forget(); check() }

/* The lease of the worker ends, and its memory of the checkout. */
inline forget()
{
  holds[me] = false; forget_row();
  key = NOTHING; fresh = false; outcome = absent; next = 0; is_new = false
}

/* recordAnswers in payments/operations.ts, and provenBy in saga/steps/unwind.ts: a definite answer settles an open operation. */
inline record()
{
  if
  :: key == AUTHORIZE && op_authorize == intended && (outcome == succeeded || outcome == declined) -> op_authorize = outcome
  :: is_capture(key) && op_capture == intended && outcome == succeeded -> op_capture = succeeded
  :: is_capture(key) && op_capture == intended && (outcome == declined || outcome == already_captured) ->
    op_capture = declined
  :: is_void(key) && key == VOID(voids) && op_void == intended &&
      (outcome == succeeded || outcome == declined || outcome == already_captured) ->
    op_void = outcome
  :: is_refund(key) && key == REFUND_(refunds) && op_refund == intended && (outcome == succeeded || outcome == declined) ->
    op_refund = outcome
  :: else
  fi
}

/* authorizePayment.undo in phases/4-authorize-payment.ts: the calls that are still needed before anything is released. */
inline undo()
{
  next = NOTHING;
  is_new = false;
  if
  :: op_authorize == absent || op_authorize == declined
  :: (op_authorize == intended || op_authorize == succeeded) &&
      op_capture != succeeded && op_void != already_captured ->
    if
    :: op_void == succeeded
    :: op_void == intended -> next = VOID(voids)
    :: op_void == absent || op_void == declined -> next = VOID(voids) + 1; is_new = true
    fi
  :: (op_authorize == intended || op_authorize == succeeded) &&
      (op_capture == succeeded || op_void == already_captured) ->
    if
    :: op_refund == succeeded
    :: op_refund == intended -> next = REFUND_(refunds)
    :: op_refund == absent || op_refund == declined -> next = REFUND_(refunds) + 1; is_new = true
    fi
  fi
}

/* reserveInventory.undo and createOrder.undo in phases/2 and 5. */
inline release_all()
{
  if
  :: stock == held || stock == firm -> stock = released
  :: else
  fi;
  if
  :: order == order_pending -> order = order_cancelled
  :: else
  fi
}

inline enter_rollback()
{
  if
  :: state == authorizing -> go(authorizing, rolling_back)
  :: state == awaiting_action -> go(awaiting_action, rolling_back)
  :: state == awaiting_capture -> go(awaiting_capture, rolling_back)
  :: state == capturing -> go(capturing, rolling_back)
  :: state == rolling_back
  :: else -> assert(A7)
  fi
}

/*
 * The body of `write` in saga/steps/unwind.ts for one admitted checkout: records the evidence (the answer to `key`),
 * then ends what can end, or writes the next intent and continues with its call.
 */
inline unwind_row()
{
  record();
  undo();
#ifdef NO_VOID
  /* Given up if the gateway gave no definite answer. */
  if
  :: key == AUTHORIZE && outcome == unknown -> next = NOTHING
  :: else
  fi;
#endif
  if
  :: next == NOTHING ->
    if
    :: state == pending -> go(pending, failed)
    :: else -> enter_rollback(); go(rolling_back, failed)
    fi;
    release_all();
    wakes = false;
    leased();
    forget();
    check();
    goto idle
  :: else ->
    if
    :: is_new && is_void(next) ->
      assert(BOUND || voids < VOIDS);
      voids++; op_void = intended
    :: is_new && is_refund(next) ->
      assert(BOUND || refunds < REFUNDS);
      refunds++; op_refund = intended
    :: else
    fi;
    enter_rollback();
    wakes = true;
    leased();
    if
    /* The gateway gave no final answer, or refused: rest, and retry later. */
    :: key == next || is_new && (is_void(key) && is_void(next) || is_refund(key) && is_refund(next)) ->
      forget();
      check();
      goto idle
    :: else ->
      key = next; fresh = is_new; outcome = absent; next = 0; is_new = false;
      check();
      goto calling
    fi
  fi
}

#if defined(NO_EPOCH)
#define still_holds true
#elif defined(NUMBERED)
#define still_holds is_the_row_of(me)
#else
#define still_holds holds[me]
#endif
#ifdef ANY_STATE
#define may_place true
#else
#define may_place still_holds
#endif
#ifdef NO_EXPIRY
#define is_over false
#else
#define is_over expired
#endif

/* A lease may expire at any time; after the faults end, only if its owner is gone. */
#define is_free (may_raise && (!calm || !is_leased))

/* ---------------------------------------------------------------- workers */

/*
 * A worker on a checkout: a live request, a recovery, a cancellation, or an expiry. All of them are drive and
 * resumeFromState in saga/drive.ts. Besides the row, a worker knows the `key` of its call, whether it is `fresh`, and the
 * `outcome` of the call. Without a call, `key` is NOTHING (evidence: null).
 */
proctype worker(byte me)
{
  bool fresh;
  mtype outcome = absent;
  /* The result of `undo`: the key of the next call, and whether its intent must be written first. */
  byte next;
  bool is_new;

end_idle:
idle:
  if

  /* prepare in saga/steps/prepare.ts: phases 1 to 3 and the intent to authorize, one transaction. */
  :: atomic { state == pending && expired ->
      printf("worker %d: prepare: expired\n", me);
      go(pending, failed); release_all(); wakes = false; leased(); forget(); check(); goto idle }
  :: atomic { state == pending && !expired ->
      printf("worker %d: prepare\n", me);
      go(pending, validating);
      if
      :: go(validating, failed)
      :: go(validating, reserving);
        if
        :: go(reserving, failed)
        :: go(reserving, locking_prices);
          if
          :: go(locking_prices, failed)
          :: go(locking_prices, authorizing)
          fi
        fi
      fi;
      if
      :: state == failed -> release_all(); wakes = false; leased(); forget(); check(); goto idle
      :: else
      fi;
      stock = held;
      op_authorize = intended;
      wakes = true;
      raise_epoch(); leased();
      key = AUTHORIZE; fresh = true;
      check();
      goto calling
    }

  /* leaseRows in saga/steps/take-over.ts (takeOverDue and takeOver), then resumeFromState in saga/drive.ts. */
  :: atomic { state == pending && expired && wakes && is_free ->
      printf("worker %d: take over: pending, expired\n", me);
      take(); check(); goto unwinding }
  :: atomic { state == authorizing && wakes && is_free && !(calm && payment == waits_for_bank) ->
      printf("worker %d: take over: authorizing\n", me);
      take(); key = AUTHORIZE; check(); goto calling }
#ifdef ACTION
  :: atomic { state == awaiting_action && !expired && wakes && is_free && !(calm && payment == waits_for_buyer) ->
      printf("worker %d: resume: awaiting_action\n", me);
      go(awaiting_action, authorizing);
      take(); key = AUTHORIZE; check(); goto calling }
  :: atomic { state == awaiting_action && expired && wakes && is_free ->
      printf("worker %d: take over: awaiting_action, expired\n", me);
      take(); check(); goto unwinding }
#endif
#ifdef LATER
  /* want: 'capture' */
  :: atomic { state == awaiting_capture && wakes && is_free ->
      printf("worker %d: capture\n", me);
      op_capture = intended;
      go(awaiting_capture, capturing);
      take(); key = CAPTURE; fresh = true; check(); goto calling }
  /* The authorization is about to end. */
  :: atomic { state == awaiting_capture && wakes && is_free ->
      printf("worker %d: take over: authorization ends\n", me);
      take(); check(); goto unwinding }
#endif
#ifndef NO_RECOVERY
  :: atomic { state == capturing && wakes && is_free ->
      printf("worker %d: take over: capturing\n", me);
      take(); key = again(CAPTURE); check(); goto calling }
#endif
  :: atomic { state == rolling_back && wakes && is_free ->
      printf("worker %d: take over: rolling_back\n", me);
      take();
      undo();
      if
      :: next == NOTHING || is_new -> next = 0; is_new = false; check(); goto unwinding
      :: else -> key = next; next = 0; check(); goto calling
      fi
    }
#ifdef REFUND
  /* A refund of unknown outcome (openOperation). */
  :: atomic { state == completed && wakes && is_free && op_refund == intended ->
      printf("worker %d: take over: refund\n", me);
      take(); key = REFUND_(refunds); check(); goto calling }

  /* intendRefund in saga/refunds/refund.ts. */
  :: atomic { state == completed && order == order_paid && (op_refund == absent || op_refund == declined) &&
      refunds < REFUNDS && may_raise ->
      printf("worker %d: intend refund\n", me);
      refunds++;
      op_refund = intended;
      take(); key = REFUND_(refunds); fresh = true; check(); goto calling }
#endif

  /* A cancellation: the forced unwind of saga/steps/unwind.ts, which takes over from any worker. */
  :: atomic { may_raise && (state == pending || state == authorizing || state == awaiting_action ||
        state == awaiting_capture || state == rolling_back && wakes && is_free) ->
      printf("worker %d: cancel\n", me);
      raise_epoch();
      unwind_row() }
  fi;

calling: /* callGateway in saga/call-gateway.ts, with a lease in memory. */
  if
  :: atomic { !calm -> printf("worker %d: dies before the call\n", me); forget(); goto idle }
  :: atomic { fresh || is_void(key) -> printf("worker %d: sends key %d\n", me, key); sent[key] = !is_there(key); goto waiting }
  /* A repeated call is looked up first … */
  :: atomic { !fresh && !is_void(key) && is_there(key) ->
      printf("worker %d: looks up key %d: found\n", me, key); read_answer(); goto answered }
  :: atomic { !fresh && !is_void(key) && (!calm || !is_there(key)) ->
      /* … and repeated with its own key. An authorization only while the gateway remembers the key: "not found" proves nothing. */
      if
      :: is_over_age -> outcome = unknown; goto answered
      :: else ->
        sent[key] = !is_there(key);
        printf("worker %d: looks up key %d: not found, sends it again\n", me, key);
        goto waiting
      fi
    }
  :: atomic { !fresh && !is_void(key) && !calm ->
      printf("worker %d: looks up key %d: no answer\n", me, key); outcome = unknown; goto answered }
  /* The buyer's token is not known in this process (canRepeat). */
  :: atomic { !fresh && key == AUTHORIZE && (!calm || !is_there(key)) ->
      printf("worker %d: cannot repeat key %d\n", me, key); outcome = unknown; goto unwinding }
  fi;

waiting: /* The request is in transit. */
  if
  :: atomic { !calm -> printf("worker %d: dies while waiting\n", me); forget(); goto idle }
  :: atomic { !calm -> printf("worker %d: gets no answer to key %d\n", me, key); outcome = unknown; goto answered }
  :: atomic { printf("worker %d: is answered key %d\n", me, key); execute(key); receive_answer(); goto answered }
  fi;

answered: /* advance in saga/drive.ts: the answer goes to the step of its operation. */
  if
  :: atomic { !calm -> printf("worker %d: dies before recording\n", me); forget(); goto idle }
  /* callWithSecondTry in saga/drive.ts */
  :: atomic { outcome == unknown && fresh -> fresh = false; outcome = absent; key = again(key); goto calling }
  :: atomic { !(outcome == unknown && fresh) && key == AUTHORIZE ->
      if
      :: outcome == declined -> goto unwinding
      /* Unsettled for too long: given up after a fencing void. */
      :: outcome == unknown || outcome == in_process -> goto unwinding
      :: outcome != declined && !(outcome == unknown && is_aged(key)) -> goto placing
      fi
    }
  :: atomic { !(outcome == unknown && fresh) && is_capture(key) -> goto settling }
  :: atomic { !(outcome == unknown && fresh) && is_void(key) -> goto unwinding }
  :: atomic { !(outcome == unknown && fresh) && is_refund(key) -> goto refunding }
  fi;

#ifdef EFFECT_FIRST
placing: /* The capture is called before its intent is committed. */
  atomic { sent[CAPTURE] = true }
placing_late:
#else
placing:
#endif
  /* place in saga/steps/place.ts */
  if
  :: atomic { !calm -> printf("worker %d: dies before place\n", me); forget(); goto idle }
  :: atomic { !may_place -> printf("worker %d: place: replaced\n", me); forget(); goto idle }
  :: atomic { may_place ->
      if
      :: is_over -> printf("worker %d: place: expired\n", me); goto unwinding
      :: !is_over && outcome == succeeded ->
        printf("worker %d: place\n", me);
        record();
        order = order_pending;
#ifndef NOT_FIRM
        if
        :: stock == held -> stock = firm
        :: else
        fi;
#endif
        go(authorizing, creating_order);
        wakes = true;
        if
#ifdef LATER
        :: go(creating_order, awaiting_capture); leased(); forget(); check(); goto idle
#endif
        :: go(creating_order, capturing);
          op_capture = intended;
          leased();
          key = CAPTURE; fresh = true; outcome = absent;
          check();
          goto calling
        fi
#ifdef ACTION
      :: !is_over && outcome == action_required ->
        printf("worker %d: place: awaits action\n", me);
        go(authorizing, awaiting_action); leased(); wakes = true; forget(); check(); goto idle
#endif
      :: !is_over && (outcome == unknown || outcome == in_process) ->
        printf("worker %d: place: rests\n", me);
        rest(); goto idle
      fi
    }
  fi;

settling: /* settle in saga/steps/settle.ts */
  if
  :: atomic { !calm -> printf("worker %d: dies before settle\n", me); forget(); goto idle }
  :: atomic { !still_holds -> printf("worker %d: settle: replaced\n", me); forget(); goto idle }
  :: atomic { still_holds ->
      if
      :: outcome == succeeded ->
        printf("worker %d: settle\n", me);
        record();
        order = order_paid;
        if
        :: stock == firm -> stock = committed
#ifdef NOT_FIRM
        :: stock == held -> stock = committed
#endif
        :: else
        fi;
        go(capturing, committing);
        go(committing, completed);
        wakes = false;
        leased(); forget(); check(); goto idle
      :: outcome == declined || outcome == already_captured -> printf("worker %d: settle: refused\n", me); goto unwinding
      :: outcome == unknown -> printf("worker %d: settle: rests\n", me); rest(); goto idle
      fi
    }
  fi;

refunding: /* A refund: of a rollback it is unwind's, of an order settleRefund's in saga/refunds/refund.ts. */
  if
  :: atomic { !calm -> printf("worker %d: dies before recording a refund\n", me); forget(); goto idle }
  :: atomic { !still_holds -> printf("worker %d: refund: replaced\n", me); forget(); goto idle }
  :: atomic { still_holds && state == rolling_back -> goto unwinding }
#ifdef REFUND
  :: atomic { still_holds && state == completed ->
      printf("worker %d: record refund\n", me);
      record();
      if
      :: outcome == succeeded -> order = order_refunded; wakes = false; forget(); check(); goto idle
      :: outcome == declined -> wakes = false; forget(); check(); goto idle
      :: outcome == unknown -> rest(); goto idle
      fi
    }
#endif
  fi;

unwinding: /* unwind in saga/steps/unwind.ts, by the worker with the lease. */
  if
  :: atomic { !calm -> printf("worker %d: dies before unwind\n", me); forget(); goto idle }
  :: atomic { !still_holds -> printf("worker %d: unwind: replaced\n", me); forget(); goto idle }
  :: atomic { still_holds -> printf("worker %d: unwind\n", me); unwind_row() }
  fi
}

/* ---------------------------------------------------------------- the world */

/* Time, the buyer, the shop's other checkouts, the gateway's own console, and requests that arrive late. */
proctype world()
{
  byte request;
end_of_the_world:
  do
  :: atomic { !calm -> printf("faults end\n"); calm = true }
  :: atomic { !expired -> printf("the checkout expires\n"); expired = true }

  /* Releases each expired reservation, except firm ones. */
  :: atomic { expired && stock == held -> printf("a hold expires\n"); stock = released; check() }

  /* start in saga/steps/start.ts for the same cart (endReplaced): an ended checkout makes way; the version decides, not the epoch. */
  :: atomic { state == pending ->
      printf("another start: pending makes way\n");
      go(pending, failed); release_all(); wakes = false; drop_leases(); check() }
#ifdef ACTION
  :: atomic { state == awaiting_action && expired ->
      printf("another start: awaiting_action makes way\n");
      go(awaiting_action, rolling_back); wakes = true; drop_leases(); check() }

  /* The buyer confirms or refuses; the bank settles. */
  :: atomic { payment == waits_for_buyer || payment == waits_for_bank ->
      if
      :: printf("the buyer confirms\n"); payment = authorized
      :: printf("the buyer refuses\n"); payment = refused
      fi;
      check() }
#endif

#ifdef BY_HAND
  /* An effect from outside the shop; A4 covers only effects of the shop. */
  :: atomic { !calm && payment == authorized && (state == capturing || state == awaiting_capture) ->
      printf("captured at the gateway\n"); payment = captured; captures++; check() }
#endif

  /* A request arrives without a waiting worker. */
  :: atomic {
      if
      :: sent[AUTHORIZE] -> request = AUTHORIZE
      :: sent[CAPTURE] -> request = CAPTURE
      :: sent[VOID(1)] -> request = VOID(1)
      :: sent[VOID(2)] -> request = VOID(2)
      :: sent[REFUND_(1)] -> request = REFUND_(1)
      :: sent[REFUND_(2)] -> request = REFUND_(2)
#ifdef RANDOM_KEY
      :: sent[MADE_UP] -> request = MADE_UP
#endif
      fi;
      printf("key %d arrives by itself\n", request);
      execute(request);
      request = 0
    }

#ifdef FORGET
  /* No request and no frozen process outlives the gateway's memory of keys: only unused keys are forgotten. */
  :: atomic {
      if
      :: op_authorize == intended && may_age(AUTHORIZE) -> request = AUTHORIZE
      :: op_capture == intended && may_age(CAPTURE) -> request = CAPTURE
      :: op_refund == intended && may_age(REFUND_(refunds)) -> request = REFUND_(refunds)
      fi;
      printf("the gateway forgets key %d\n", request);
      aged[request] = true;
      answer[request] = absent;
      request = 0
    }
#endif
  od
}

init
{
  atomic {
    /* start in saga/steps/start.ts; `holdOn: 'start'` also holds stock (holdStock). */
    go(start, pending);
    wakes = true;
    if
    :: stock = held
    :: true
    fi;
    run worker(0);
    run worker(1);
#if WORKERS == 3
    run worker(2);
#endif
    run world()
  }
}

/* ---------------------------------------------------------------- liveness */

#define ended (is_final && op_capture != intended && op_void != intended && op_refund != intended)
/* B1: after faults end, every run ends, with any scheduling. */
ltl B1 { [] (calm -> <> ended) }
