"""Table I of a DATE 2025 paper on gradients of multipliers; FOLDER is changmg/AppMult-Aware-Retraining."""
from figures import compared, main, untried

from refapprox.multipliers import Multiplier, from_family, read_table

SOURCE = ("C. Meng, W. Burleson, W. Qian, G. De Micheli, \"Gradient Approximation of Approximate Multipliers for "
          "High-Accuracy Deep Neural Network Retraining\", DATE 2025, Table I: ER, NMED and MaxED of 15 multipliers")
PROTOCOL = ("all operand pairs of the table that the authors' repository ships under that name; rmk from its rule, the "
            "removal of the rightmost k columns, too. Their NMED is the MAE in percent of 2**(2 bits), ours MAE%")
EVO, SYN, CUT = "app_mults/evo_selected/mult{bits}u/mul{bits}u_{name}_lutfp.txt", "app_mults/resub_als/{file}", (
    "app_mults/vert_trunc/mult{bits}u/{bits}_{bits}_U_SP_WT_CL_GenMul_vertical_truncation_{cut}cols_lutfp.txt")
# name, bits, file, ER %, NMED %, MaxED as printed
ROWS = [
    ("mul8u_syn1", 8, SYN.format(file="Mult_8_8_MED_183.376_size_209_depth_25_lutfp.txt"), "99.1", "0.28", "1937"),
    ("mul8u_syn2", 8, SYN.format(file="Mult_8_8_MED_195.494_size_197_depth_25_lutfp.txt"), "99.5", "0.30", "2057"),
    ("mul8u_2NDH", 8, EVO.format(bits=8, name="2NDH"), "98.7", "0.44", "2709"),
    ("mul8u_17C8", 8, EVO.format(bits=8, name="17C8"), "99.0", "0.56", "1577"),
    ("mul8u_1DMU", 8, EVO.format(bits=8, name="1DMU"), "66.0", "0.65", "4084"),
    ("mul8u_17R6", 8, EVO.format(bits=8, name="17R6"), "99.0", "0.67", "1925"),
    ("mul8u_rm8", 8, CUT.format(bits=8, cut=8), "98.0", "0.68", "1793"),
    ("mul7u_06Q", 7, EVO.format(bits=7, name="06Q"), "95.4", "0.24", "162"),
    ("mul7u_073", 7, EVO.format(bits=7, name="073"), "95.2", "0.27", "154"),
    ("mul7u_rm6", 7, CUT.format(bits=7, cut=6), "96.1", "0.28", "273"),
    ("mul7u_syn1", 7, SYN.format(file="Mult_7_7_MED_45.8873_size_189_depth_25_lutfp.txt"), "97.6", "0.28", "457"),
    ("mul7u_syn2", 7, SYN.format(file="Mult_7_7_MED_63.6771_size_178_depth_23_lutfp.txt"), "98.8", "0.39", "713"),
    ("mul7u_081", 7, EVO.format(bits=7, name="081"), "97.3", "0.45", "314"),
    ("mul7u_08E", 7, EVO.format(bits=7, name="08E"), "97.5", "0.46", "317"),
    ("mul6u_rm4", 6, CUT.format(bits=6, cut=4), "81.3", "0.3", "49"),
]
KEYS = (("ER%", "EP%"), ("NMED%", "MAE%"), ("MaxED", "WCE"))
# Read otherwise, the row of mul7u_rm6 follows to the last digit: the same cut with a constant added to every product.
RM6_CONSTANT = 48
RM6 = f"the row is that of the same cut plus {RM6_CONSTANT}, which neither the name nor the shipped table has"


def figures(folder):
    for name, bits, file, *printed in ROWS:
        by_rule = "_rm" in name
        tables = [("by rule", from_family("truncated", k=int(name[-1]), bits=bits, signed=False))] if by_rule else []
        if folder is not None:
            tables.append(("shipped table", read_table(folder / file, signed=False, name=name)))
        if name == "mul7u_rm6":
            tables.append((f"by rule, plus {RM6_CONSTANT}", Multiplier(name, tables[0][1].lut + RM6_CONSTANT, False)))
        for where, table in tables:
            metrics = table.metrics()
            for (label, key), text in zip(KEYS, printed, strict=True):
                note = RM6 if name == "mul7u_rm6" and "plus" not in where else ""
                yield compared(f"{name} {label}, {where}", text, metrics[key], note=note)
        if folder is None and not by_rule:
            yield untried(name, ", ".join(printed), "the authors' table is not here")


if __name__ == "__main__":
    main("__main__")
