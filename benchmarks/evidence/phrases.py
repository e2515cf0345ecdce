"""The words of the page, in English and Chinese."""

from __future__ import annotations

from steelyard.page.markup import Two

NOISE = {
    "people": Two("Errors that people made", "人为的错误"),
    "by row": Two("Errors that depend on the row", "依赖样本的错误"),
    "by class": Two("Errors that depend on the class", "依赖类别的错误"),
    "uniform": Two("Uniform flips", "均匀翻转"),
    "neighbouring grade": Two("A neighbouring grade", "相邻等级"),
    "one slice": Two("Errors of one source", "来自单一来源的错误"),
    "token": Two("Errors that come with a token", "伴随某个词的错误"),
    "disputed": Two("Rows that raters disputed (need not be wrong)", "评审有分歧的样本（不一定错误）"),
    "clean": Two("Clean labels", "干净标签"),
}
KIND = {
    "much": Two("noise, much to gain", "有噪声，增益大"),
    "between": Two("noise, in between", "有噪声，介于两者之间"),
    "nothing": Two("noise that does no harm", "无害的噪声"),
    "clean": Two("clean", "干净"),
    "tiny": Two("tiny table", "极小的表"),
}
ANSWER = {
    "use_weights": Two("use weights", "使用权重"),
    "prune": Two("prune", "剔除"),
    "relabel_first": Two("relabel first", "先重新标注"),
    "keep_uniform": Two("keep uniform", "保持均匀"),
    "cannot_tell": Two("cannot tell", "无法判断"),
}
END = {
    "most": Two("most suspicious", "最可疑的"),
    "least": Two("least suspicious", "最不可疑的"),
    "random": Two("any", "随机"),
}
SAY = {
    "title": Two("Steelyard: the evidence", "Steelyard：证据"),
    "theme": Two("Light / dark", "明 / 暗"),
    "foot": Two("One static file; it asks nobody for anything. No row of any table is in it.",
                "单个静态文件，不发出任何请求；其中没有任何数据样本。"),
    "nav.targets": Two("Targets", "目标"),
    "nav.finding": Two("Does it find wrong labels?", "能否找出错误标签？"),
    "nav.weighting": Two("Does weighting help?", "加权是否有用？"),
    "nav.verdicts": Two("Is the verdict right?", "结论是否正确？"),
    "nav.limits": Two("What does not work", "哪些不起作用"),
    "nav.again": Two("Do it again", "复现"),
    "lede": Two("All targets but those of embed stood before the first figure. They are read strictly: where a loss "
                "must be ruled out, the interval decides. What was not reached says so.",
                "除 embed 的几项外，目标在第一个数字之前就已写定。从严解读：要排除损失时以区间为准，"
                "未达到的如实标出。"),
    "target": Two("Target", "目标"),
    "targets": Two("Targets and figures", "目标与数字"),
    "figure": Two("Measured", "测得"),
    "held": Two("reached", "达到"),
    "missed": Two("not reached", "未达到"),
    "tables": Two("{n} tables", "{n} 个数据表"),
    "finding.lede": Two(
        "Average precision minus that of the out-of-fold loss, on the same rows and folds; mean over tables with 95% "
        "(Student's, the table is the unit). suspicion is Steelyard's default. The square is the "
        "same score on the wrong rows.",
        "平均精度减去折外损失的平均精度（同样的样本和折）；为各表均值及 95% 区间（以表为单位的 Student 区间）。"
        "suspicion 是 Steelyard 的默认读数；方块是把它的分数打乱后的对照。"),
    "lead.axis": Two("average precision, difference from the out-of-fold loss", "平均精度与折外损失之差"),
    "meaning": Two("What reading meaning finds", "读懂含义能多找出什么"),
    "meaning.lede": Two(
        "The embed tier reads every text once with a frozen encoder (the packaged MiniLM). On English texts, and on "
        "pairs that a crowd judged: its scores against the out-of-fold loss of the quick tier, whose models know words "
        "only. Same rows and noise, mean over tables with 95%.",
        "embed 档用冻结的编码器（随附的 MiniLM）把每段文本读一遍。在英文文本与众包判断的成对数据上，"
        "将其读数与只认识词的 quick 档折外损失相比；样本与噪声相同，各表均值及 95% 区间。"),
    "meaning.axis": Two("average precision, difference from the quick tier's out-of-fold loss",
                        "平均精度与 quick 档折外损失之差"),
    "cost": Two("What a score costs, and what it finds", "读数的成本与效果"),
    "cost.axis": Two("processor time with the training, over one training alone", "处理器时间（含训练）与单次训练之比"),
    "cost.up": Two("average precision", "平均精度"),
    "cost.caption": Two("Errors of people and errors that depend on the row; mean over tables.",
                        "人为错误与依赖样本的错误；各表均值。"),
    "worst": Two("The worst cell of each score", "各读数最差的单元"),
    "worst.lede": Two(
        "The least AUROC over all cells with known wrong rows, and the mean over tables of the worst class and the "
        "worst slice (an airline, a shop category) that has 10 wrong rows and 10 right ones.",
        "所有已知错误行的单元中最低的 AUROC，以及各表中最差类别和最差切片（某航空公司、某商品类别；"
        "至少 10 行错误、10 行正确）的 AUROC 均值。"),
    "score": Two("Score", "读数"),
    "least": Two("Least AUROC", "最低 AUROC"),
    "where": Two("Where", "所在单元"),
    "worst.class": Two("Worst class", "最差类别"),
    "worst.slice": Two("Worst slice", "最差切片"),
    "people": Two("Interactions", "交互数据"),
    "people.lede": Two(
        "Ratings of 3 and less, hidden among all interactions as if they were wanted. Standing is the default reading; "
        "its lead in AUROC over the in-sample loss of the same recommender, with 95% over users.",
        "3 分及以下的评分混在所有交互中，视同想要。standing 是默认读数；给出它相对同一推荐器样本内损失的 AUROC 领先量，"
        "及按用户的 95% 区间。"),
    "reader": Two("Read by, seed", "推荐器，种子"),
    "table": Two("Table", "数据表"),
    "one table": Two("1 table", "1 个数据表"),
    "lead": Two("Lead over the in-sample loss", "相对样本内损失的领先"),
    "elsewhere": Two(
        "Lists with a bound on the share of right labels are measured apart: benchmarks/fdr.py, Lists with a bound in "
        "benchmarks/RESULTS.md.",
        "正确标签占比有上界的名单另行测量：benchmarks/fdr.py，见 benchmarks/RESULTS.md 中的 Lists with a bound。"),
    "weighting.lede": Two(
        "The share of the oracle's gain over uniform training with early stopping that an arm recovers on unseen "
        "groups: 1 is as good as knowing the truth, 0 as good as doing nothing. Both gains are summed over tables. "
        "Squares are controls.",
        "各方案在未见过的分组上，相对带早停的均匀训练，恢复了 oracle 增益的多少：1 等于知道真值，0 等于什么都不做。"
        "两种增益都先对各表求和。方块为对照。"),
    "recovered.axis": Two("share of the oracle's gain", "占 oracle 增益的比例"),
    "clean.axis": Two("points over uniform with early stopping", "相对带早停均匀训练的百分点"),
    "curves": Two("Training without a part of the rows", "去掉部分样本后训练"),
    "curves.lede": Two("Points over training on all rows, when the most suspicious rows are left out first, the "
                       "least, or any.",
                       "先去掉最可疑、最不可疑或随机样本时，相对使用全部样本的百分点。"),
    "kind": Two("Kind of table", "表的类型"),
    "right": Two("Right:", "正确："),
    "known": Two("Of the kinds much, clean and tiny, whose answer is known by how they were made:",
                 "答案由构造方式决定的三类（增益大、干净、极小）中："),
    "strict": Two("without allowance", "不作宽限"),
    "acted": Two("Verdicts to act on clean or tiny tables:", "在干净或极小的表上给出行动结论的次数："),
    "wrong": Two("Wrong:", "错误："),
    "verdicts.lede": Two(
        "Which answers are right was said before the runs, by how a table was made and what its oracle gains "
        "(benchmarks/evidence/rules.py). Shaded: the answers asked for.",
        "哪些答案正确在运行前就已规定，取决于表的构造方式及其 oracle 的增益（benchmarks/evidence/rules.py）。"
        "着色处为所要求的答案。"),
    "not.token": Two(
        "Errors that come with a token deceive every score whose models learn from these rows: held-out models, the "
        "training itself and neighbours all learn the token. Where a run recognises and names the word (tables of "
        "texts, enough rows), its rows teach nothing and suspicion goes by the rest of their text; nothing is "
        "repaired, since such a word can be a good reason. In pairs, and where few rows carry the word, it is not "
        "recognised.",
        "伴随某个词出现的错误会骗过所有从这些行学习的读数：折外模型、训练过程和近邻都学会了这个词。"
        "若运行识别并指出该词（文本表、行数足够），这些行不再参与学习，suspicion 依据其余文本排序；但不做任何修正，"
        "因为这个词也可能是充分理由。在成对数据中，或带该词的行很少时，无法识别。"),
    "not.cheap": Two(
        "What rides on one training (AUM, mean loss, EL2N, forgetting) finds less than the out-of-fold loss on small "
        "models; we think because these learn few rows by heart, so that their training shows little.",
        "依附于一次训练的读数（AUM、平均损失、EL2N、遗忘）在小模型上不如折外损失；"
        "我们认为原因是这类模型很少死记样本，训练过程中可观察的很少。"),
    "not.cost": Two(
        "The default costs 8 to 12 trainings of the linear model, 17 to 20 with many classes, and 20 to 28 of the "
        "trees; the target was two.",
        "默认读数的成本为线性模型训练的 8 到 12 倍（类别很多时 17 到 20 倍）、树模型的 20 到 28 倍，"
        "远高于两倍的目标。"),
    "not.weights": Two(
        "Where errors depend on the row, no policy recovers half of what the truth would give; on clean tables soft "
        "labels lose about 0.3 points in the mean. Weights in proportion to the loss or the gradient do harm "
        "everywhere.",
        "当错误依赖样本时，没有任何策略能恢复真值增益的一半；在干净的表上，软标签平均损失约 0.3 个百分点。"
        "按损失或梯度成比例加权处处有害。"),
    "not.shown": Two(
        "A comparison of 4,000 rows and ten cells sees differences of one to two and a half points. That a policy "
        "costs less than 0.2 points on clean labels, all clean tables together show for the gate, not for soft "
        "labels.",
        "4,000 行、十个单元的比较只能看出一到两个半百分点的差异。干净标签上的损失小于 0.2 个百分点这一点，"
        "所有干净的表合起来可以对 gate 证明，对软标签则不能。"),
    "again.lede": Two("Every figure is made again by:", "每个数字都可以这样重新得到："),
}  # fmt: skip
