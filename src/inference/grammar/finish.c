/* finish.c - the end of building: parts to automata, automata to one table.
 *
 * Each called part, each round of a counted repetition, and the root get an automaton: written out,
 * made deterministic, minimised. Only then it shows which repetitions can be counted in place. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/analysis.h"
#include "inference/grammar/array.h"
#include "inference/grammar/automaton.h"
#include "inference/grammar/dfa.h"
#include "inference/grammar/left_recursion.h"

enum {
    ROW_EDGES = 4,         /* states with more edges get a row */
    FINISH_WORK = 64 << 20 /* steps that hostile grammars may take: some tenths of a second */
};

struct symbol {
    grammar_part part;  /* called, or repeated */
    uint32_t automaton; /* of the part, or of one round */
};

struct unit { /* an automaton */
    grammar_part part;
    struct dfa dfa;
    uint32_t first_state; /* in the table */
    bool is_repeated;     /* what it accepts is one round of repetitions */
    bool is_round;        /* and it is laid out to count them */
};

struct finishing {
    const struct grammar *grammar;
    struct part_info *info;
    struct unit *units;
    uint32_t unit_count, unit_capacity;
    struct symbol *symbols;
    uint32_t symbol_count, symbol_capacity;
    uint32_t *symbol_of;  /* of each part: number + 1 */
    uint32_t *unit_of[2]; /* the same; called, and repeated */
    uint32_t state_count;
    bool failed;
    struct automaton *automaton;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar");
}

/* ---- automata ---- */

static uint32_t unit_for(struct finishing *f, grammar_part part, bool is_repeated)
{
    uint32_t *known = &f->unit_of[is_repeated][part];
    if (*known) return *known - 1;
    if (!ARRAY_MORE(f->units, f->unit_count, f->unit_capacity, 1)) {
        f->failed = true;
        return 0;
    }
    f->units[f->unit_count++] = (struct unit){.part = part, .is_repeated = is_repeated};
    *known = f->unit_count;
    return f->unit_count - 1;
}

static bool is_counted_repeat(const struct finishing *f, grammar_part part)
{
    return f->grammar->parts[part].kind == PART_REPEAT &&
           repeat_is_counted(f->grammar, f->info, part);
}

static uint32_t symbol_for(void *owner, grammar_part part)
{
    struct finishing *f = owner;
    if (f->symbol_of[part]) return f->symbol_of[part] - 1;
    if (!ARRAY_MORE(f->symbols, f->symbol_count, f->symbol_capacity, 1)) {
        f->failed = true;
        return 0;
    }
    bool is_repeated = is_counted_repeat(f, part);
    grammar_part entered = is_repeated ? f->grammar->children[f->grammar->parts[part].first] : part;
    f->symbols[f->symbol_count++] = (struct symbol){part, unit_for(f, entered, is_repeated)};
    f->symbol_of[part] = f->symbol_count;
    return f->symbol_count - 1;
}

/* Without calls, and over when it accepts: then rounds can be counted in one automaton. */
static bool tells_its_end(const struct dfa *dfa)
{
    if (dfa->call_count || dfa->states[0].accepts) return false;
    for (uint32_t i = 0; i < dfa->state_count; i++)
        if (dfa->states[i].accepts && dfa->states[i].edge_count) return false;
    return true;
}

/* Units are found while others are written. */
static enum status make_units(struct finishing *f, struct fault *fault)
{
    enum status status = OK;
    struct nfa nfa = {0};
    struct dfa wide = {0};
    uint64_t work_left = FINISH_WORK;
    struct nfa_writer writer = {
        .grammar = f->grammar, .info = f->info, .symbol_of = symbol_for, .owner = f};
    writer.places = calloc(f->grammar->part_count, sizeof *writer.places);
    if (!writer.places) TRY_DONE(no_memory(fault));
    (void)unit_for(f, f->grammar->root, false);
    for (uint32_t i = 0; i < f->unit_count; i++) {
        TRY_DONE(nfa_write(&writer, &nfa, f->units[i].part, fault));
        if (f->failed) TRY_DONE(no_memory(fault));
        TRY_DONE(
            dfa_determinise(&wide, &nfa, GRAMMAR_STATES_MAX - f->state_count, &work_left, fault));
        TRY_DONE(dfa_minimise(&f->units[i].dfa, &wide, fault));
        f->units[i].is_round = f->units[i].is_repeated && tells_its_end(&f->units[i].dfa);
        f->state_count += f->units[i].dfa.state_count + 1;
        if (f->state_count > GRAMMAR_STATES_MAX)
            TRY_DONE(fault_set(fault, STATUS_TOO_LARGE, "the grammar needs more than %d states",
                               GRAMMAR_STATES_MAX));
    }
    if (f->failed) TRY_DONE(no_memory(fault));
done:
    free(writer.places);
    free(writer.tasks);
    free(nfa.edges);
    dfa_deinit(&wide);
    return status;
}

/* ---- the table ---- */

/* States of a unit: a start of its own, which does not accept and which nothing leads back to, then
 * those of its automaton. */
static uint32_t place_of(const struct unit *unit, uint32_t state)
{
    if (unit->is_round && unit->dfa.states[state].accepts) return unit->first_state;
    return unit->first_state + 1 + state;
}

static void put_state(struct finishing *f, const struct unit *unit, const struct dfa_state *state,
                      unsigned flags)
{
    struct automaton *a = f->automaton;
    struct automaton_state *out = &a->states[a->state_count++];
    if (state->call_count) flags |= STATE_CALLS;
    *out = (struct automaton_state){.first_edge = a->edge_count,
                                    .first_call = a->call_count,
                                    .row = NO_ROW,
                                    .edge_count = (uint16_t)state->edge_count,
                                    .call_count = state->call_count,
                                    .flags = (uint8_t)flags};
    for (uint32_t i = 0; i < state->edge_count; i++) {
        struct dfa_edge edge = unit->dfa.edges[state->first_edge + i];
        a->edges[a->edge_count++] =
            (struct automaton_edge){place_of(unit, edge.target), edge.first, edge.last};
    }
    for (uint32_t i = 0; i < state->call_count; i++) {
        struct dfa_call call = unit->dfa.calls[state->first_call + i];
        a->calls[a->call_count++] =
            (struct automaton_call){call.symbol, place_of(unit, call.target)};
    }
}

static void put_unit(struct finishing *f, const struct unit *unit)
{
    put_state(f, unit, &unit->dfa.states[0], unit->is_round ? STATE_ROUND : 0);
    for (uint32_t i = 0; i < unit->dfa.state_count; i++)
        put_state(f, unit, &unit->dfa.states[i],
                  unit->dfa.states[i].accepts && !unit->is_round ? STATE_ACCEPTS : 0);
}

static void put_symbols(struct finishing *f)
{
    for (uint32_t i = 0; i < f->symbol_count; i++) {
        const struct symbol *symbol = &f->symbols[i];
        const struct unit *unit = &f->units[symbol->automaton];
        struct automaton_symbol *out = &f->automaton->symbols[f->automaton->symbol_count++];
        *out = (struct automaton_symbol){
            .kind = SYMBOL_CALL,
            .start = unit->first_state,
            .end = unit->first_state + unit->dfa.state_count + 1,
        };
        if (!is_counted_repeat(f, symbol->part)) continue;
        const struct part *part = &f->grammar->parts[symbol->part];
        out->kind = unit->is_round ? SYMBOL_COUNTED : SYMBOL_LOOP;
        /* Rounds take no empty text, and the whole takes none here; a round that could be empty
         * may as well be left out. */
        out->least = f->info[unit->part].is_nullable || part->least == 0 ? 1 : part->least;
        out->most = part->most;
    }
}

bool automaton_make_rows(struct automaton *a)
{
    free(a->rows);
    a->row_count = 0;
    for (uint32_t i = 0; i < a->state_count; i++) {
        bool has_row = a->states[i].edge_count > ROW_EDGES && a->row_count < AUTOMATON_ROWS_MAX;
        a->states[i].row = has_row ? a->row_count++ : NO_ROW;
    }
    a->rows = calloc((size_t)a->row_count + 1, sizeof *a->rows);
    if (!a->rows) return false;
    for (uint32_t i = 0; i < a->state_count; i++) {
        const struct automaton_state *state = &a->states[i];
        if (state->row == NO_ROW) continue;
        memset(a->rows[state->row], 0xFF, sizeof *a->rows);
        for (uint32_t j = 0; j < state->edge_count; j++) {
            const struct automaton_edge *edge = &a->edges[state->first_edge + j];
            for (unsigned byte = edge->first; byte <= edge->last; byte++)
                a->rows[state->row][byte] = edge->target;
        }
    }
    return true;
}

static enum status lay_out(struct finishing *f, struct fault *fault)
{
    size_t states = 0, edges = 0, calls = 0;
    for (uint32_t i = 0; i < f->unit_count; i++) {
        struct unit *unit = &f->units[i];
        unit->first_state = (uint32_t)states;
        states += unit->dfa.state_count + 1;
        edges += unit->dfa.edge_count + unit->dfa.states[0].edge_count;
        calls += unit->dfa.call_count + unit->dfa.states[0].call_count;
    }
    struct automaton *a = f->automaton = calloc(1, sizeof *f->automaton);
    if (!a) return no_memory(fault);
    a->states = calloc(states + 1, sizeof *a->states);
    a->edges = calloc(edges + 1, sizeof *a->edges);
    a->calls = calloc(calls + 1, sizeof *a->calls);
    a->symbols = calloc((size_t)f->symbol_count + 1, sizeof *a->symbols);
    if (!a->states || !a->edges || !a->calls || !a->symbols) return no_memory(fault);
    for (uint32_t i = 0; i < f->unit_count; i++) put_unit(f, &f->units[i]);
    put_symbols(f);
    a->start = f->units[0].first_state;
    a->root_end = a->start + f->units[0].dfa.state_count + 1;
    a->knows_empty = f->info[f->grammar->root].is_nullable;
    return automaton_make_rows(a) ? OK : no_memory(fault);
}

void automaton_free(struct automaton *automaton)
{
    if (!automaton) return;
    free(automaton->states);
    free(automaton->edges);
    free(automaton->calls);
    free(automaton->symbols);
    free(automaton->rows);
    free(automaton);
}

/* ---- no automaton may call itself before a byte ---- */

enum color { WHITE, GREY, BLACK };

struct descent {
    uint32_t unit, next_call;
};

static enum status refuse_left_recursion(const struct finishing *f, uint32_t unit,
                                         struct fault *fault)
{
    char name[96];
    grammar_part part = f->units[unit].part;
    grammar_rule_describe(f->grammar, part, name);
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "%s can begin with itself (left recursion): write it as a repetition", name);
}

static enum status check_left_recursion(const struct finishing *f, struct fault *fault)
{
    enum status status = OK;
    unsigned char *colors = calloc(f->unit_count, 1);
    struct descent *stack = calloc(f->unit_count, sizeof *stack);
    if (!colors || !stack) TRY_DONE(no_memory(fault));
    for (uint32_t root = 0; root < f->unit_count; root++) {
        uint32_t depth = 0;
        if (colors[root] != WHITE) continue;
        stack[depth++] = (struct descent){root, 0};
        colors[root] = GREY;
        while (depth) {
            struct descent *top = &stack[depth - 1];
            const struct dfa *dfa = &f->units[top->unit].dfa;
            if (top->next_call == dfa->states[0].call_count) {
                colors[top->unit] = BLACK;
                depth--;
                continue;
            }
            const struct dfa_call *call = &dfa->calls[dfa->states[0].first_call + top->next_call++];
            uint32_t called = f->symbols[call->symbol].automaton;
            if (colors[called] == GREY) TRY_DONE(refuse_left_recursion(f, called, fault));
            if (colors[called] == BLACK) continue;
            colors[called] = GREY;
            stack[depth++] = (struct descent){called, 0};
        }
    }
done:
    free(colors);
    free(stack);
    return status;
}

/* ---- all of it ---- */

static enum status finish(struct finishing *f, struct grammar *grammar, struct fault *fault)
{
    if (grammar->status != OK) {
        if (fault) *fault = grammar->fault;
        return grammar->status;
    }
    if (!grammar->has_root) return fault_set(fault, STATUS_INVALID, "the grammar has no root");
    left_recursion_resolve(grammar);
    if (grammar->status != OK) {
        if (fault) *fault = grammar->fault;
        return grammar->status;
    }
    f->symbol_of = calloc(grammar->part_count, sizeof *f->symbol_of);
    for (int i = 0; i < 2; i++) {
        f->unit_of[i] = calloc(grammar->part_count, sizeof *f->unit_of[i]);
        if (!f->unit_of[i]) return no_memory(fault);
    }
    if (!f->symbol_of) return no_memory(fault);
    TRY(analysis_make(grammar, &f->info, fault));
    if (!f->info[grammar->root].is_productive)
        return fault_set(fault, STATUS_INVALID, "no text at all matches the grammar");
    TRY(make_units(f, fault));
    TRY(check_left_recursion(f, fault));
    return lay_out(f, fault);
}

enum status grammar_finish(struct grammar *grammar, struct fault *fault)
{
    struct finishing f = {.grammar = grammar};
    enum status status = finish(&f, grammar, fault);
    if (status == OK)
        grammar->automaton = f.automaton;
    else
        automaton_free(f.automaton);
    for (uint32_t i = 0; i < f.unit_count; i++) dfa_deinit(&f.units[i].dfa);
    free(f.units);
    free(f.symbols);
    free(f.symbol_of);
    free(f.unit_of[0]);
    free(f.unit_of[1]);
    free(f.info);
    return status;
}
